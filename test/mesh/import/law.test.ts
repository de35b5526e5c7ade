/** Files that wireguard-mesh renders, imported again. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatProblems, importNetwork } from "../../../mesh/import/import";
import type { Source } from "../../../mesh/import/nodes";
import { readMesh } from "../../../mesh/mesh";
import { renderConfig, type Keyring } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import { parseWgQuick } from "../../../mesh/wg-quick/parse";
import { hostKeyLine, keyPairs } from "../../support/key-pairs";
import { openNetworks, TODAY, type RawNetwork } from "../../support/networks";
import { planOf } from "../../support/plan-of";

/** The files of all nodes. Each node has its private key in the config. */
function filesOf(raw: RawNetwork): Source[] {
  const plan = planOf(raw);
  const keys = new Map(keyPairs.map((pair) => [pair.publicKey, Secret.of(pair.privateKey)]));
  const keyring: Keyring = {
    privateKeys: new Map(
      plan.nodes.map(({ name, publicKey }) => [name, keys.get(publicKey) ?? Secret.sealed()]),
    ),
    formerPrivateKeys: new Map(),
    presharedKeySeed: raw.presharedKeySeed ?? null,
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
  return plan.nodes.map((node, at): Source => {
    const text = renderConfig({ ...node, custody: "config" }, plan.network, keyring);
    const { file, problems } = parseWgQuick(text, node.name);
    assert.deepEqual(problems, []);
    const host =
      node.hosts.length === 0
        ? null
        : { host: `root@198.51.100.${at + 1}`, hostKeys: [hostKeyLine(at)] };
    return { file, name: node.name, interface: "wg0", host };
  });
}

/**
 * Without sites, ranges and a second relay, whose files say what no single endpoint or home relay explains; and with an IPv6
 * address for the relay, without which it passes on no IPv6. On hosts that are pushed to without routeAll, whose Table and FwMark
 * an import refuses.
 */
function plain(raw: RawNetwork): RawNetwork {
  const without = (node: Record<string, unknown>) => {
    const left = ["site", "siteEndpoint", "peersCidr", "peersCidr6", "relay"];
    if (node["host"] !== undefined) left.push("routeAll", "blockIpv6");
    return Object.fromEntries(Object.entries(node).filter(([key]) => !left.includes(key)));
  };
  const nodes = (all: Record<string, Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(all).map(([name, node]) => [name, without(node)]));
  const six = raw.network["cidr6"] === undefined ? {} : { address6: "fd5c:10::ffff" };
  const [first] = Object.entries(raw.relays);
  const relays = first === undefined ? {} : { [first[0]]: { ...first[1], ...six } };
  return { ...raw, relays: nodes(relays), peers: nodes(raw.peers), privateKeys: {} };
}

describe("an import of files that wireguard-mesh rendered", () => {
  it("gives every node the same file", () => {
    let compared = 0;
    fc.assert(
      fc.property(openNetworks, (raw) => {
        const simple = plain(raw);
        const isOpen = readMesh(simple, TODAY).plan !== null;
        const sources = isOpen ? filesOf(simple) : [];
        if (sources.length < 2) return;
        const imported = importNetwork(sources, [], {}, TODAY);
        if (Array.isArray(imported)) assert.fail(formatProblems(imported));
        compared += imported.files.length;
        assert.deepEqual(
          imported.files.flatMap(({ node, differences }) => differences.map((it) => [node, it])),
          [],
        );
      }),
      { numRuns: 40 },
    );
    assert.ok(compared > 40, `only ${compared} files`);
  });
});
