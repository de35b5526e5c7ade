/** A host whose /etc/hosts cannot be replaced, or is written by other programs too. Needs root. */
import * as assert from "node:assert/strict";
import type { WantedState } from "../support/host-protocol";
import { WorkingNetwork } from "../support/working-network";

const NAMES = {
  domain: "mesh.internal",
  nodes: ["relay 10.0.0.1", "desktop 10.0.0.2", "laptop 10.0.0.3"],
  serves: false,
};

describe("a host with names of nodes in /etc/hosts", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  let named: WantedState;
  let bare: WantedState;
  before(async () => {
    net = await WorkingNetwork.up("test-f-hosts-file");
    bare = net.relayState();
    named = { ...bare, names: NAMES };
  });
  after(() => net.lab.down());

  const lookUp = () => net.relay.run("getent hosts laptop.mesh.internal | cut -d ' ' -f 1");
  const digest = () => net.relay.run("sha256sum </etc/hosts");

  it("gets and loses them without a lost ping", async () => {
    const before = await digest();
    await net.undisturbed(async () => {
      await net.relay.converge(named);
      assert.equal(await lookUp(), "10.0.0.3");
      await net.relay.converge(bare);
    });
    assert.equal(await digest(), before);
  });

  it("keeps /etc/hosts as it was when the change is undone", async () => {
    const before = await digest();
    const { token } = await net.relay.apply({
      ...named,
      config: named.config.replace("51820", "51830"),
    });
    assert.equal((await net.relay.confirm(token, "undo")).outcome, "undone");
    assert.equal(await digest(), before);
    assert.equal((await net.relay.apply(bare)).outcome, "unchanged");
  });

  it("gets them in place where /etc/hosts is a mount point, as in a container", async () => {
    const before = await digest();
    await net.relay.run("cp /etc/hosts /root/hosts; mount --bind /root/hosts /etc/hosts");
    await net.relay.converge(named);
    assert.equal(await lookUp(), "10.0.0.3");
    assert.equal((await net.relay.apply(named)).outcome, "unchanged");
    await net.relay.converge(bare);
    assert.equal(await digest(), before);
    await net.relay.run("umount /etc/hosts; ! ls -a /etc | grep hosts.wireguard");
  });

  it("gets them through a link", async () => {
    await net.relay.run("mv /etc/hosts /root/hosts; ln -s /root/hosts /etc/hosts");
    await net.relay.converge(named);
    assert.equal(
      await net.relay.run("readlink /etc/hosts; grep -c mesh.internal /root/hosts"),
      "/root/hosts\n3",
    );
    await net.relay.converge(bare);
    await net.relay.run("mv /root/hosts /etc/hosts");
  });

  it("is refused before the change, with the path, where /etc/hosts cannot be written", async () => {
    await net.relay.run("chattr +i /etc/hosts");
    const { complaint } = await net.relay.apply(named);
    await net.relay.run("chattr -i /etc/hosts");
    assert.match(
      complaint,
      /^cannot write \/etc\/hosts: Operation not permitted\n.*chattr -i \/etc\/hosts/,
    );
    assert.equal((await net.relay.apply(bare)).outcome, "unchanged");
  });

  it("gets them again after another program has written the file, with a note where cloud-init does so", async () => {
    const before = await net.relay.run("cat /etc/hosts");
    await net.relay.converge(named);
    await net.relay.run(
      "mkdir -p /etc/cloud; printf '# manage_etc_hosts as True\\n127.0.0.1 localhost relay\\n' >/etc/hosts",
    );
    assert.deepEqual(await net.relay.differences(named), [
      "the names of nodes are missing in /etc/hosts",
    ]);
    const { token } = await net.relay.apply(named);
    const { notes } = await net.relay.confirm(token);
    assert.match(notes.join("\n"), /cloud-init writes \/etc\/hosts again at every boot/);
    assert.equal(await lookUp(), "10.0.0.3");
    // What the unit does at boot.
    await net.relay.run("echo 127.0.0.1 localhost relay >/etc/hosts");
    await net.relay.run("sh /var/lib/wireguard-mesh/wg0/host.sh names wg0");
    assert.equal(await lookUp(), "10.0.0.3");
    await net.relay.converge(bare);
    await net.relay.run(`printf '%s\\n' '${before}' >/etc/hosts`);
  });

  it("is refused before the change, with the name of a program that already answers at the address", async () => {
    const serving = { ...bare, names: { ...NAMES, serves: true } };
    await net.relay.run(
      "dnsmasq -C /dev/null -u root --listen-address=10.0.0.1 --bind-interfaces -x /root/dns.pid",
    );
    const pid = await net.relay.run("cat /root/dns.pid");
    const { complaint } = await net.relay.apply(serving);
    assert.match(
      complaint,
      new RegExp(`^dnsmasq \\(process ${pid}\\) on this host answers at 10.0.0.1:53 \\(udp\\)`),
    );
    await net.relay.run(`kill ${pid}; while [ -d /proc/${pid} ]; do sleep 0.05; done`);
    await net.relay.converge(serving);
    assert.equal((await net.relay.apply(serving)).outcome, "unchanged");
    await net.relay.run("kill $(cat /run/wireguard-mesh-dns-wg0.pid)");
    await net.relay.waitUntil("! pgrep -x dnsmasq");
    assert.deepEqual(await net.relay.differences(serving), [
      "its DNS server for the names of nodes is not running",
    ]);
    await net.undisturbed(async () => {
      await net.relay.converge(serving);
    });
    assert.match(
      await net.relay.run("busybox nslookup laptop.mesh.internal 10.0.0.1"),
      /10\.0\.0\.3/,
    );
    await net.relay.converge(bare);
  });

  it("loses them when it is removed, also by hand", async () => {
    const before = await digest();
    await net.relay.converge({ ...bare, names: { ...NAMES, serves: true } });
    await net.relay.run("sh /var/lib/wireguard-mesh/wg0/host.sh remove wg0");
    assert.equal(await digest(), before);
    await net.relay.run(
      "! ls -d /etc/wireguard-mesh /run/wireguard-mesh-* 2>/dev/null; ! pgrep -x dnsmasq",
    );
  });

  it("leaks no secret", () => net.leaks.end());
});
