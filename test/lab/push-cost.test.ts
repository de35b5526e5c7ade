/** The cost of a push on a host: the number of programs and of disk syncs. Needs root, strace. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import { Lab } from "../../scripts/lab/lab";
import { LeakWatch } from "./support/leak-watch";
import { configOf, keyPairFor, push, PUSH_WORLD, requestFor } from "./support/pushing";
import { hasStrace, startedPrograms, traced } from "./support/traced";

const SYNCS = ["sync", "fsync", "fdatasync", "syncfs", "sync_file_range", "msync"];
const CHANGED = { programs: 80, syncs: 4 };
const UNCHANGED = { programs: 25, syncs: 0 };

describe("the cost of a push on a host", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async function () {
    if (!hasStrace()) {
      process.stderr.write("      SKIPPED: strace is not installed, so nothing can be counted\n");
      this.skip();
    }
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-cost" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  /** A relay with two peers and forwarding. */
  function request(mtu: number, more: string[] = []): PushRequest {
    const peers = ["desktop", "laptop"].flatMap((name, at) => [
      ...["", `# ${name}`, "[Peer]", `PublicKey = ${keyPairFor(name).publicKey}`],
      `AllowedIPs = 10.0.0.${at + 2}/32`,
    ]);
    return requestFor(lab, "relay", {
      config: configOf("relay", "10.0.0.1/24", [`MTU = ${mtu}`, ...peers, ...more]),
      forwarding: { ipv4: true, ipv6: false },
      probes: ["10.0.0.2", "10.0.0.3"],
    });
  }

  async function assertCosts(
    one: PushRequest,
    outcome: "applied" | "unchanged",
    most: { programs: number; syncs: number },
  ): Promise<void> {
    const lines = await traced(lab, "relay", ["execve", ...SYNCS], async () => {
      const done = await push(lab, "apply", one);
      assert.match(done.stdout, new RegExp(`"${outcome}"`), done.stderr);
    });
    const programs = startedPrograms(lines);
    const syncs = lines.filter((line) => SYNCS.some((call) => line.includes(` ${call}(`)));
    const counted = `${programs.length} programs, ${syncs.length} syncs`;
    process.stderr.write(`      ${counted}\n`);
    assert.ok(programs.length > 5, "nothing was traced");
    const list = `${counted}: ${tally(programs)}\n${syncs.join("\n")}`;
    assert.ok(programs.length <= most.programs && syncs.length <= most.syncs, list);
  }

  it("is at most 80 programs and 4 syncs when the interface is new", () =>
    assertCosts(request(1400), "applied", CHANGED));

  it("is at most 80 programs and 4 syncs for a change", () =>
    assertCosts(request(1390), "applied", CHANGED));

  /** Peers, routes, forwarding and a packet filter. */
  function everything(): PushRequest {
    const site = ["", "# nas", "[Peer]", `PublicKey = ${keyPairFor("nas").publicKey}`];
    const more = [...site, "AllowedIPs = 10.0.0.4/32, 192.168.50.0/24, 192.168.51.0/24"];
    const filter =
      "table inet wireguard-mesh-wg0 {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t}\n}\n";
    return { ...request(1380, more), forwarding: { ipv4: true, ipv6: true }, filter };
  }

  it("is at most 80 programs and 4 syncs for a change of peers, routes, forwarding and filter", () =>
    assertCosts(everything(), "applied", CHANGED));

  it("is at most 25 programs and no sync without a change", () =>
    assertCosts(everything(), "unchanged", UNCHANGED));

  it("is no higher for a change that adds names of nodes and a DNS server", async () => {
    const nodes = ["relay 10.0.0.1", "desktop 10.0.0.2", "laptop 10.0.0.3"];
    const names = { domain: "mesh.internal", nodes, serves: true };
    await assertCosts(request(1390), "applied", CHANGED);
    await assertCosts({ ...request(1390), names }, "applied", CHANGED);
    await assertCosts({ ...request(1390), names }, "unchanged", UNCHANGED);
  });

  it("leaks no secret", () => leaks.end());
});

/** The programs, the most frequent first. */
function tally(programs: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const program of programs) counts.set(program, (counts.get(program) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([program, count]) => `${count} ${program}`).join(", ");
}
