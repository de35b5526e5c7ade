/** Hosts that differ from Debian: other shells, busybox, other package managers and init systems. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import {
  bootOpenRc,
  on,
  leftoversOn,
  useBusybox,
  useOpenRc,
  usePackageManager,
  useShell,
} from "../support/foreign-host";
import { configOf, keyPairFor, push, requestFor, fileContents } from "../support/pushing";

const FIREWALLS = path.join(__dirname, "../../mesh/host/firewalls");
const FORWARDING = { ipv4: true, ipv6: false };

describe("a foreign host", function () {
  this.timeout(180_000);
  let lab: Lab;
  const output: string[] = [];
  before(async () => {
    const names = ["dash", "bash", "busybox", "apk", "dnf", "yum"];
    const hosts = names.map((name, at) => [name, { public: `203.0.113.${31 + at}` }]);
    lab = await Lab.up({ hosts: Object.fromEntries(hosts) as never }, { id: "test-foreign-hosts" });
  });
  after(() => lab.down());

  async function pushed(
    verb: "apply" | "remove",
    node: string,
    mtu: number,
  ): Promise<CommandResult> {
    const config = configOf(node, `10.0.0.1/24\nMTU = ${mtu}`);
    const done = await push(lab, verb, requestFor(lab, node, { config, forwarding: FORWARDING }));
    output.push(done.stdout + done.stderr);
    assert.equal(done.code, 0, done.stderr);
    return done;
  }

  const outcomeOf = ({ stdout }: CommandResult): string =>
    (JSON.parse(stdout) as { outcome: string }).outcome;

  /** Applies, repeats, changes, fixes drift and removes on a clean host. */
  async function testLifecycle(host: string): Promise<void> {
    const forwarded = await on(lab, host, "cat /proc/sys/net/ipv4/ip_forward");
    assert.equal(outcomeOf(await pushed("apply", host, 1400)), "applied");
    assert.equal(outcomeOf(await pushed("apply", host, 1400)), "unchanged");
    assert.equal(outcomeOf(await pushed("apply", host, 1380)), "applied");
    assert.equal((await on(lab, host, "cat /sys/class/net/wg0/mtu")).trim(), "1380");
    await on(lab, host, "ip link set mtu 1300 dev wg0");
    assert.equal(outcomeOf(await pushed("apply", host, 1380)), "applied");
    assert.equal((await on(lab, host, "cat /sys/class/net/wg0/mtu")).trim(), "1380");
    assert.equal(outcomeOf(await pushed("remove", host, 1380)), "removed");
    assert.deepEqual(await leftoversOn(lab, host), []);
    assert.equal(await on(lab, host, "cat /proc/sys/net/ipv4/ip_forward"), forwarded);
  }

  it("works with mksh", async function () {
    if ((await lab.exec("dash", ["sh", "-c", "command -v mksh"])).code !== 0) {
      process.stderr.write("      SKIPPED: mksh is not installed\n");
      this.skip();
    }
    await useShell(lab, "dash", "mksh");
    await testLifecycle("dash");
  });

  it("works with dash, bash, or busybox with few other tools", async () => {
    await useShell(lab, "dash", "dash");
    await useShell(lab, "bash", "bash");
    await useBusybox(lab, "busybox");
    assert.match(await on(lab, "busybox", "sh --help 2>&1 || true; sleep --help 2>&1"), /BusyBox/);
    for (const host of ["dash", "bash", "busybox"]) await testLifecycle(host);
  });

  it("installs its tools with apk, dnf or yum (fakes)", async () => {
    const calls = {
      apk: "apk -q add wireguard-tools iproute2 bash\n",
      dnf: "dnf -q -y install wireguard-tools iproute\n",
      yum: "yum -q -y install wireguard-tools iproute\n",
    };
    for (const [manager, call] of Object.entries(calls)) {
      await usePackageManager(lab, manager, manager);
      const done = await pushed("apply", manager, 1400);
      assert.equal(outcomeOf(done), "applied");
      assert.match(done.stderr, /installing wireguard-tools/);
      assert.equal(await on(lab, manager, "cat /var/log/stand-in"), call);
      assert.equal(outcomeOf(await pushed("remove", manager, 1400)), "removed");
    }
  });

  it("explains how to start the interface at boot without systemd and OpenRC", async () => {
    const done = await pushed("apply", "dash", 1400);
    assert.match(done.stderr, /neither systemd nor OpenRC: wg0 will not come up by itself/);
    assert.match(done.stderr, /wg-quick up wg0 \(a line in \/etc\/rc\.local, or @reboot/);
    await pushed("remove", "dash", 1400);
  });

  it("starts the interface at boot with OpenRC (a fake), and enables it again if it was disabled", async () => {
    await useOpenRc(lab, "apk");
    const done = await pushed("apply", "apk", 1400);
    assert.doesNotMatch(done.stderr, /after a reboot/);
    await lab.reboot("apk");
    assert.equal((await lab.exec("apk", ["test", "-e", "/sys/class/net/wg0"])).code, 1);
    await bootOpenRc(lab, "apk");
    assert.equal(
      (await on(lab, "apk", "wg show wg0 public-key")).trim(),
      keyPairFor("apk").publicKey,
    );
    assert.equal(outcomeOf(await pushed("apply", "apk", 1400)), "unchanged");
    await on(lab, "apk", "rc-update del wireguard-mesh.wg0 default");
    assert.equal(outcomeOf(await pushed("apply", "apk", 1400)), "applied");
    await on(lab, "apk", "test -e /etc/runlevels/default/wireguard-mesh.wg0");
    assert.equal(outcomeOf(await pushed("remove", "apk", 1400)), "removed");
    assert.deepEqual(await leftoversOn(lab, "apk"), []);
  });

  it("reports a blocking firewall with the command that opens it, for real rules of each tool", async () => {
    const expected: Record<string, string[]> = {
      ufw: ["ufw allow 51820/udp", "ufw route allow in on wg0 out on wg0"],
      docker: ["iptables -I DOCKER-USER -i wg0 -j ACCEPT"],
      firewalld: ["firewall-cmd --permanent --add-port=51820/udp", "--zone=trusted"],
      plain: ["nft insert rule inet filter input", "nft insert rule inet filter forward"],
    };
    let mtu = 1300;
    for (const [tool, remedies] of Object.entries(expected)) {
      const rules = fs.readFileSync(path.join(FIREWALLS, `${tool}.nft`), "utf8");
      const input = `flush ruleset\n${rules}`;
      assert.equal((await lab.exec("bash", ["nft", "-f", "-"], { input })).code, 0);
      mtu += 1;
      const notes = notesOf(await pushed("apply", "bash", mtu));
      assert.deepEqual([tool, notes.length], [tool, tool === "docker" ? 1 : 2]);
      for (const remedy of remedies) assert.ok(notes.join().includes(remedy), `${tool}: ${remedy}`);
    }
    const remedies = notesOf(await pushed("apply", "bash", mtu + 1)).map(
      (note) => /: sudo (nft .*) # and keep it/.exec(note)?.[1] ?? "no remedy",
    );
    for (const remedy of remedies) await on(lab, "bash", remedy);
    assert.deepEqual(notesOf(await pushed("apply", "bash", mtu + 2)), []);
    await on(lab, "bash", "nft flush ruleset");
    await pushed("remove", "bash", mtu);
  });

  const notesOf = ({ stderr }: CommandResult): string[] =>
    stderr.split("\n").filter((line) => line.includes("a firewall on this host"));

  it("leaks no private key in output or logs", () => {
    const searched = output.join("\n") + fileContents(lab.folder.logs);
    for (const host of lab.hosts) assert.ok(!searched.includes(keyPairFor(host).privateKey), host);
  });
});
