/** A relay that keeps the former address of a peer applies its policy there as at the new one. */
import assert from "node:assert/strict";
import { decide } from "../../../mesh/host/decide";
import { differences } from "../../../mesh/host/differences";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { hostKeyLine } from "../../support/key-pairs";
import { isAccepted, type FilteredPacket } from "../../support/nft-table";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";
import { deviceOf, sha256, type Host } from "./support/host";
import { freshHost } from "./support/hosts";
import { push, runOf } from "./support/pushes";
import { pairAt } from "./support/requests";
import { look, OPTIONS } from "./support/situations";

const [FORMER, NEW] = ["10.86.0.2", "10.86.0.99"];
const SETTLED = "/run/wireguard-mesh/wg0/settled";
const ROTATION = "/var/lib/wireguard-mesh/wg0/rotation";
const HTTPS = [{ from: ["laptop"], to: ["desktop"], ports: ["tcp/443"] }];

describe("the packet filter of a relay, when a peer moves that is reached only through the tunnel,", () => {
  it("passes the push at the former address, and what the policy allows", () => {
    const host = moved(HTTPS);
    for (const address of [FORMER, NEW]) {
      assert.ok(accepts(host, "output", "10.86.0.1", address, 22), `a login at ${address}`);
      assert.ok(accepts(host, "forward", "10.86.0.3", address, 443), `laptop to ${address}`);
      assert.ok(!accepts(host, "forward", "10.86.0.3", address, 22), "what it does not let in");
    }
    assert.ok(!accepts(host, "output", "10.86.0.1", "10.86.0.98", 22));
  });

  it("is so at the next boot, and as wanted from then on", () => {
    const host = moved(HTTPS);
    const after = wantedAt(NEW, HTTPS);
    assert.match(
      host.files.get("/etc/wireguard/wg0.b.nft") ?? "",
      / = \{ 10\.86\.0\.99, 10\.86\.0\.2 \}/,
    );
    assert.deepEqual(differences(look(host, after), after), { live: [], boot: [] });
    assert.equal(decide(look(host, after), after, OPTIONS).kind, "nothing");
  });

  it("passes nothing there after the next config, once the peer cannot go back", () => {
    const host = moved(HTTPS);
    host.files.set(SETTLED, host.files.get(ROTATION) ?? "");
    for (const { allowedIps } of deviceOf(host, "wg0").peers.values())
      allowedIps.delete(`${FORMER}/32`);
    push(host, wantedAt(NEW, HTTPS, { mtu: 1400 }));
    assert.ok(!accepts(host, "output", "10.86.0.1", FORMER, 22));
    assert.ok(accepts(host, "output", "10.86.0.1", NEW, 22));
  });

  it("has no duplicate address, which nft would reject", () => {
    for (const policy of [
      [{ from: ["desktop"], to: ["*"] }],
      [{ from: ["*"], to: ["desktop"] }],
      [],
    ]) {
      const host = moved([...policy, ...HTTPS]);
      for (const [, list = ""] of (host.table ?? [])
        .join("\n")
        .matchAll(/elements = \{ (.*) \}/g)) {
        const all = list.split(", ");
        assert.ok(!(all.includes("10.86.0.0/24") && all.includes(FORMER)), list);
        assert.equal(all.includes(NEW), all.includes(FORMER), list);
      }
    }
  });

  it("is undone to the one before", () => {
    const host = pushed(HTTPS);
    const table = structuredClone(host.table);
    const run = runOf(host, wantedAt(NEW, HTTPS));
    for (const name of ["now", "apply", "undo"] as const) run.run(name);
    assert.deepEqual(host.table, table);
  });
});

function accepts(
  host: Host,
  hook: "output" | "forward",
  source: string,
  destination: string,
  port: number,
): boolean {
  const connection = { source, destination, protocol: "tcp", port } as const;
  const input = hook === "output" ? null : "wg0";
  const packet: FilteredPacket = { hook, input, output: "wg0", connection, direction: "original" };
  const text = (host.table ?? []).map((line) => `${line}\n`).join("");
  return isAccepted(text, packet);
}

function moved(policy: unknown): Host {
  const host = pushed(policy);
  push(host, wantedAt(NEW, policy));
  return host;
}

function pushed(policy: unknown): Host {
  const host = freshHost();
  push(host, wantedAt(FORMER, policy));
  return host;
}

/** The relay's request while the desktop has this address. */
function wantedAt(address: string, policy: unknown, network: Record<string, unknown> = {}): Wanted {
  const tokyo = { publicKey: pairAt(20).publicKey, host: "root@203.0.113.10", hostKey };
  const desktop = { address, host: "root@via:tokyo", hostKey: hostKeyLine(1) };
  const plan = planOf(changed({ network, relays: { tokyo }, peers: { desktop }, policy }));
  const request = requestWithoutSecrets(nodeIn(plan, "tokyo"), plan, "owner");
  return wantedOf(request, sha256(JSON.stringify(request)), publicKeyOf);
}
