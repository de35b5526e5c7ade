/** Tests every pair of nodes of a converged network in the lab against the oracle and the plan. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { Reach } from "../../../mesh/plan/reach";
import { readConfig } from "../../../scripts/stack/stack-file";
import { isInPrefix } from "../../support/address-bits";
import { routerOf } from "../../support/cryptokey-router";
import { machinesOf } from "../../support/machines-of";
import type { RawNetwork } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import type { KnownNetwork } from "./known-networks";
import type { MeshLab } from "./mesh-lab";
import { succeeded } from "./mesh-session";
import { answeredSoon, attemptsText, type Attempt } from "./traffic";

const PING = { protocol: "icmp", port: 0 } as const;
const PORTS = (["tcp", "udp"] as const).flatMap((protocol) =>
  (protocol === "tcp" ? [22, 80, 443] : [53, 443]).map((port) => ({ protocol, port })),
);

/** Asserts that exactly those pings, and with `byPort` connections, are answered that the oracle, the plan and the case allow. */
export async function assertAllPairs(
  mesh: MeshLab,
  { world, reach }: KnownNetwork,
  { byPort = false } = {},
): Promise<void> {
  const raw = readConfig(fs.readFileSync(mesh.stack.file, "utf8"), mesh.stack.file) as RawNetwork;
  const plan = planOf(raw);
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  const router = routerOf(machinesOf(raw, plan));
  const lans = plan.nodes.flatMap(({ subnets }) => subnets.map(({ text }) => text));

  const machines = Object.entries(world.hosts).map(([name, { nat, ip }]) => {
    const node = nodes.get(name);
    const tunnel = node === undefined ? [] : [node.address.text, node.address6?.text ?? []].flat();
    // A node answers UDP to its LAN address from its tunnel address, so a LAN address is only pinged.
    return { name, nat, tunnel, lan: ip === undefined ? [] : [ip], isNode: node !== undefined };
  });
  const attempts = machines.flatMap((from) =>
    machines
      .filter((to) => to !== from)
      .flatMap((to): Attempt[] => {
        const near = from.nat !== undefined && from.nat === to.nat;
        const outer = near ? [] : to.lan;
        // A machine of a LAN has an IPv4 address alone.
        const inner = to.tunnel.filter((address) => from.isNode || !address.includes(":"));
        const served = [...inner, ...(to.isNode ? [] : outer)];
        const at = (address: string, what: Pick<Attempt, "protocol" | "port">) => ({
          ...{ from: from.name, to: address },
          ...what,
        });
        return [
          ...[...inner, ...outer].map((address) => at(address, PING)),
          ...(byPort ? served.flatMap((address) => PORTS.map((port) => at(address, port))) : []),
        ];
      }),
  );

  const source = (name: string) => (nodes.has(name) ? name : (world.hosts[name]?.ip ?? name));
  const isExpected = ({ from, to, ...traffic }: Attempt) =>
    router.path(source(from), to, traffic) !== null;
  const expected = new Set(attempts.filter(isExpected));

  const claims = await reachByPlan(mesh);
  const nameAt = (address: string) =>
    plan.nodes.find((it) => [it.address.text, it.address6?.text].includes(address))?.name ??
    lans.find((lan) => isInPrefix(address, lan));
  const isClaimed = ({ from, to, protocol, port }: Attempt) =>
    claims.some(
      (it) =>
        it.from === from &&
        it.to === nameAt(to) &&
        (protocol === "icmp" || it.ports === undefined || it.ports.includes(`${protocol}/${port}`)),
    );
  // The plan lists only pairs that start at a node, and none from a node to its own LAN.
  const fromNodes = attempts.filter(({ from }) => nodes.has(from));
  assert.deepEqual(
    attemptsText(fromNodes.filter(isClaimed)),
    attemptsText(fromNodes.filter((it) => expected.has(it))),
    "the plan says otherwise than the oracle",
  );

  const found = await answeredSoon(mesh.lab, attempts, expected);
  assert.deepEqual(attemptsText(found), attemptsText([...expected]));

  const pings = new Set(attemptsText(found.filter(({ protocol }) => protocol === "icmp")));
  const known = reach.map(([from, to]) => {
    const isOk = pings.has(`${from} -> ${to} ping`);
    return [from, to, isOk ? "ok" : "blocked"];
  });
  assert.deepEqual(known, reach);
}

/** Every ordered pair of `plan --reach`. */
async function reachByPlan({ lab }: MeshLab): Promise<Reach[]> {
  const argv = ["node", "dist/scripts/wireguard-mesh.js", "plan", "--reach", "--json"];
  const { stdout } = succeeded(await lab.exec("operator", argv));
  return (JSON.parse(stdout) as { reach: Reach[] }).reach;
}
