/** The nftables table of a host: its text, and that nft(8) prints it in exactly that form. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { filterTable } from "../../../mesh/filter-table";
import { renderFilter } from "../../../mesh/render/filter";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { hostKeyLine, keyPair } from "../../support/key-pairs";
import { isAccepted, type Connection } from "../../support/nft-table";
import { limitedNetworks } from "../../support/policies";
import { nodeIn, planOf } from "../../support/plan-of";
import { programs } from "../../support/programs";
import { changed, hostKey } from "../../support/small-network";

const tokyo = { host: "root@203.0.113.10", hostKey, subnets: ["192.168.10.0/24"] };

/** A second relay, a gateway that can be dialled, IPv6, tags and ports. */
const example = changed({
  network: { cidr6: "fd5c:10::/64" },
  relays: {
    tokyo: { ...tokyo, address6: "fd5c:10::1" },
    osaka: node(10, { host: "root@203.0.113.11", hostKey: hostKeyLine(1) }),
  },
  peers: {
    desktop: { address6: "fd5c:10::2", tags: ["admin"] },
    laptop: {
      ...{ address6: "fd5c:10::3", tags: ["guest"] },
      ...{ host: "admin@via:tokyo", hostKey: hostKeyLine(3) },
    },
    phone: node(11, { tags: ["guest"], relay: "osaka" }),
    nas: node(12, {
      ...{ host: "root@198.51.100.9", hostKey: hostKeyLine(2), endpoint: "198.51.100.9:51820" },
      subnets: ["192.168.20.0/24", "fd00:20::/64"],
    }),
  },
  policy: [
    { from: ["tag:admin"], to: ["*"] },
    { from: ["tag:guest"], to: ["nas"], ports: ["tcp/443", "udp/53", "tcp/8000-8100"] },
    { from: ["nas"], to: ["tag:guest"] },
    { from: ["laptop"], to: ["192.168.20.0/24", "fd00:20::/64"] },
  ],
});

function node(at: number, fields: Record<string, unknown>): Record<string, unknown> {
  const address6 = `fd5c:10::${at.toString(16)}`;
  return { address: `10.86.0.${at}`, address6, publicKey: keyPair(at).publicKey, ...fields };
}

describe("the nftables table", () => {
  it("is a part of the push request", () => {
    const plan = planOf(changed({ relays: { tokyo }, policy: [] }));
    const relay = nodeIn(plan, "tokyo");
    const { filter } = requestWithoutSecrets(relay, plan, "project/stack");
    assert.equal(filter, renderFilter(relay, plan.network));
  });

  it("is absent without a policy", () => {
    const plan = planOf(changed({ relays: { tokyo } }));
    assert.equal("filter" in requestWithoutSecrets(nodeIn(plan, "tokyo"), plan, "p/s"), false);
    assert.deepEqual(
      plan.nodes.map((node) => renderFilter(node, plan.network)),
      [null, null, null],
    );
  });

  it("of an empty policy allows only pings to the relay", () => {
    const text = tableOf({ policy: [] });
    assert.deepEqual(text.match(/@\S+ (accept|jump .*)$/gm), ["@to-ping jump ping"]);
    assert.match(text, /\n\t\tdrop\n\t}\n/);
  });

  it("drops packets from outside the tunnel with a spoofed source", () => {
    const text = tableOf({ policy: [{ from: ["*"], to: ["*"] }] });
    const entering = (source: string, direction: "original" | "reply") =>
      isAccepted(text, {
        ...{ hook: "forward", input: "eth0", output: "wg0", direction },
        connection: tcp(source, "10.86.0.2"),
      });
    assert.equal(entering("192.168.10.7", "original"), true);
    assert.equal(entering("10.86.0.3", "original"), false);
    assert.equal(entering("172.17.0.2", "original"), false);
    assert.equal(entering("10.86.0.3", "reply"), true);
  });

  it("lets pings of a relay leave, which start handshakes, and drops other packets that the policy forbids", () => {
    const text = tableOf({ policy: [{ from: ["tokyo"], to: ["laptop"], ports: ["tcp/80"] }] });
    const sent = (connection: Connection) =>
      isAccepted(text, {
        ...{ hook: "output", input: null, output: "wg0", direction: "original", connection },
      });
    assert.equal(sent({ ...tcp("10.86.0.1", "10.86.0.2"), protocol: "icmp" }), true);
    assert.equal(sent(tcp("10.86.0.1", "10.86.0.2")), false);
    assert.equal(sent(tcp("10.86.0.1", "10.86.0.3")), true);
  });

  it("matches only the mesh's interfaces, including the second one of a rotation", () => {
    const text = tableOf({ policy: [] });
    const arriving = (input: string) =>
      isAccepted(text, {
        ...{ hook: "input", input, output: null, direction: "original" },
        connection: tcp("10.86.0.2", "10.86.0.1"),
      });
    assert.deepEqual(["wg0", "wg0-next", "wg1", "eth0"].map(arriving), [false, false, true, true]);
  });

  it("lets a relay log in to the nodes that are pushed to through it", () => {
    const desktop = { host: "admin@via:tokyo", hostKey };
    const plan = planOf(changed({ relays: { tokyo }, peers: { desktop }, policy: [] }));
    const text = renderFilter(nodeIn(plan, "tokyo"), plan.network) ?? "";
    const sent = (connection: Connection) =>
      isAccepted(text, {
        ...{ hook: "output", input: null, output: "wg0", direction: "original", connection },
      });
    assert.equal(sent({ ...tcp("10.86.0.1", "10.86.0.2"), port: 22 }), true);
    assert.equal(sent({ ...tcp("10.86.0.1", "10.86.0.3"), port: 22 }), false);
    assert.equal(sent(tcp("10.86.0.1", "10.86.0.2")), false);
  });

  for (const node of ["tokyo", "nas"]) {
    it(`policy-${node}.nft: the table of a relay or of a receiver of limited direct links`, () => {
      const plan = planOf(example);
      const text = renderFilter(nodeIn(plan, node), plan.network) ?? "";
      const golden = path.join(__dirname, `../../golden/policy-${node}.nft`);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, "utf8"));
    });
  }

  it("has a name that nft(8) accepts, and another one for each interface", () => {
    assert.equal(filterTable("wg0"), "inet wireguard-mesh-wg0");
    assert.equal(filterTable("a=b+c"), "inet wireguard-mesh-a/eb/pc");
  });

  it("is printed by nft exactly as it is", function () {
    programs.require(this, "nft");
    programs.requireRoot(this);
    this.timeout(60_000);
    const names = ["wg0", "mesh-of-the-home", "a=b+c.d_e-f"].map((it) => it.slice(0, 15));
    const drawn = fc.sample(limitedNetworks, { numRuns: 60, seed: 7 });
    const texts = drawn.flatMap((raw, at) => {
      const network = { ...raw.network, interface: names[at % names.length] };
      const plan = planOf({ ...raw, network });
      return plan.nodes.flatMap((node) => renderFilter(node, plan.network) ?? []);
    });
    assert.ok(texts.length > 60, `only ${texts.length} tables`);
    assert.deepEqual(listedByNft(texts), texts);
  });
});

function tableOf(edits: Record<string, unknown>): string {
  const plan = planOf(changed({ relays: { tokyo }, ...edits }));
  return renderFilter(nodeIn(plan, "tokyo"), plan.network) ?? "";
}

function tcp(source: string, destination: string): Connection {
  return { source, destination, protocol: "tcp", port: 80 };
}

/** What `nft -s list table` prints after each text was loaded, in a network namespace of its own. */
function listedByNft(texts: string[]): string[] {
  const mark = "# next\n";
  const script = `awk 'BEGIN { RS = "# next\\n" } { printf "%s", $0 | "nft -f -"; close("nft -f -");
    split($0, words, /[ ]+/); system("nft -s list table inet " words[3] "; nft delete table inet " words[3]); print "# next" }'`;
  const listed = execFileSync("unshare", ["--net", "sh", "-c", script], {
    encoding: "utf8",
    input: texts.join(mark),
    stdio: "pipe",
  });
  return listed.split(mark).slice(0, -1);
}
