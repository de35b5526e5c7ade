/** `ping` shows the way hop by hop and where it stops; the tests follow the remedies of `doctor` that take more than one command. Needs root. */
import * as assert from "node:assert/strict";
import type { Trace } from "../../mesh/doctor/trace";
import type { DoctorReport } from "../../scripts/commands/doctor/doctor-report";
import { relay } from "../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { drops, NO_DROPS } from "./support/packet-drops";
import { deleteConfig, setConfig } from "./support/stack-edits";

const LAN = "192.168.77.0/24";
const PRINTER = "192.168.77.50";

describe("ping", function () {
  this.timeout(240_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(relay, "test-ping");
    setConfig(mesh.stack, ["peers", "desktop", "subnets"], [LAN]);
    session = await openSession(mesh);
    succeeded(await session.command("add-peer", "phone"));
    succeeded(await session.pulumi(...UP));
    await session.on("home", "nft add rule inet filter input icmp type echo-request accept");
    // A machine of the LAN that is the gateway itself.
    await session.on("desktop", `ip address add ${PRINTER}/32 dev lo`);
  });
  after(() => mesh.lab.down());

  const trace = async (to: string): Promise<Trace> => {
    const done = await session.command("ping", "laptop", to, "--json");
    const report = JSON.parse(done.stdout) as Trace;
    assert.equal(done.code, report.ok ? 0 : 1, done.stdout + done.stderr);
    return report;
  };
  const examine = async (...names: string[]): Promise<DoctorReport> => {
    const done = await session.command("doctor", "--json", ...names);
    return JSON.parse(done.stdout) as DoctorReport;
  };
  const places = ({ hops }: Trace) =>
    hops.map(({ name, outside }) => [name, outside?.address ?? null]);

  it("goes through the relay, with the times outside the tunnel beside it", async () => {
    const report = await trace("desktop");
    assert.deepEqual(places(report), [
      ["relay", "203.0.113.10"],
      ["desktop", "203.0.113.21"],
    ]);
    assert.equal(report.direct?.address, "203.0.113.21");
    for (const { ms, legMs } of report.hops) {
      assert.ok(ms !== null && legMs !== null && ms > 0 && ms < 2000);
    }
    const shown = succeeded(await session.command("ping", "laptop", "desktop"));
    assert.match(shown.stdout, /^laptop to desktop: through relay\n\nHOP +ADDRESS +/);
    assert.ok(
      shown.stdout.split("\n").every((line) => line.length <= 80),
      shown.stdout,
    );
  });

  it("goes on into a LAN", async () => {
    const report = await trace(PRINTER);
    assert.equal(report.ok, true);
    assert.deepEqual(places(report).at(-1), [PRINTER, null]);
  });

  it("names the hop where it stops, as does doctor with these two nodes", async () => {
    await session.on("home", drops("forward", "udp dport 51820"));
    try {
      assert.deepEqual((await trace("desktop")).stops, { after: "relay", before: "desktop" });
      const { findings } = await examine("relay", "desktop");
      assert.deepEqual(
        findings.map(({ node, check }) => [node, check]),
        [["desktop", "UDP"]],
      );
    } finally {
      await session.on("home", NO_DROPS);
    }
  });

  it("refuses to start at a device, and gives the command that works", async () => {
    const done = await session.command("ping", "phone", "laptop");
    assert.equal(done.code, 2);
    assert.match(done.stderr, /phone has no host, .*\n.*npx wireguard-mesh ping laptop phone/);
    assert.equal((await session.command("ping", "laptop", "198.51.100.1")).code, 2);
  });

  it("follows doctor's remedy for an MTU hole: with that MTU all is well", async () => {
    await session.on("cafe", drops("forward", "meta l4proto udp meta length > 1300"));
    try {
      const [finding] = (await examine()).findings;
      const [, mtu] = /^set peers\.laptop\.mtu to (\d+) /.exec(finding?.remedy ?? "") ?? [];
      setConfig(mesh.stack, ["peers", "laptop", "mtu"], Number(mtu));
      succeeded(await session.pulumi(...UP));
      assert.deepEqual((await examine()).findings, []);
    } finally {
      await session.on("cafe", NO_DROPS);
      deleteConfig(mesh.stack, ["peers", "laptop", "mtu"]);
      succeeded(await session.pulumi(...UP));
    }
  });

  it("follows doctor's remedy for a firewall: the command opens it", async () => {
    await session.on("relay", drops("input", "udp dport 51820"));
    try {
      const [finding] = (await examine()).findings;
      const [command = ""] = (finding?.remedy ?? "").split(" # ");
      await session.on("relay", command.replaceAll("sudo ", ""));
      assert.deepEqual((await examine()).findings, []);
    } finally {
      await session.on("relay", NO_DROPS);
    }
  });

  it("follows doctor's remedy for a LAN that overlaps: with one site all is well", async () => {
    await session.on(
      "laptop",
      "ip link add lan0 type veth peer name lan1; ip link set lan0 up; ip link set lan1 up; ip address add 192.168.77.20/24 dev lan0",
    );
    assert.match((await examine()).findings[0]?.remedy ?? "", /give laptop the same site as/);
    for (const peer of ["laptop", "desktop"])
      setConfig(mesh.stack, ["peers", peer, "site"], "home");
    succeeded(await session.pulumi(...UP));
    assert.deepEqual((await examine()).findings, []);
  });

  it("leaks no secret", () => session.leaks.end());
});
