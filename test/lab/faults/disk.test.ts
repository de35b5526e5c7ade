/** F6: a full or read-only disk is reported, with the file system's name, before anything is changed. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, LIVE, STATE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf } from "../support/pushing";

const MTU = "MTU = 1300";

describe("a host with a full or read-only disk", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const previous: WantedState = { config: configOf("relay", "10.0.0.1/24") };
  const next: WantedState = {
    config: configOf("relay", "10.0.0.1/24", [MTU]),
    forwarding: true,
    timeout: 20,
  };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-disk" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
    await session.converge(previous);
  });
  after(() => lab.down());

  /** The file, the running interface and the pending change: a refused push must not change them. */
  async function snapshot(): Promise<string> {
    return session.run(
      `cat ${LIVE}; wg showconf wg0; cat /sys/class/net/wg0/mtu /proc/sys/net/ipv4/ip_forward; ls /run/wireguard-mesh/wg0/pending || true`,
    );
  }

  /** Mounts a small file system over a folder, with a copy of its contents. */
  const small = (folder: string, options: string): string =>
    `cp -a ${folder} /tmp/kept && mount -t tmpfs -o mode=700,${options} tmpfs ${folder} && cp -a /tmp/kept/. ${folder} && rm -r /tmp/kept`;
  const fill = (folder: string): string =>
    `cat /dev/zero >${folder}/fill 2>/dev/null; test ! -s ${folder}/more && ! echo x >${folder}/more`;
  const useAllInodes = (folder: string): string =>
    `i=0; while touch ${folder}/fill-$i; do i=$((i + 1)); done 2>/dev/null; true`;

  const faults: { what: string; cause: string; fix: string; error: RegExp }[] = [
    ...["/etc/wireguard", "/var/lib"].flatMap((folder) => [
      {
        what: `${folder} is full`,
        cause: `${small(folder, "size=256k")}; ${fill(folder)}`,
        fix: `umount -l ${folder}`,
        error: new RegExp(`^the file system ${folder} is full, .*\n.*df -h ${folder}`),
      },
      {
        what: `${folder} has no inode left`,
        cause: `${small(folder, "nr_inodes=64")}; ${useAllInodes(folder)}`,
        fix: `umount -l ${folder}`,
        error: new RegExp(`^the file system ${folder} has no inode left, .*\n.*df -i ${folder}`),
      },
      {
        what: `${folder} is read-only`,
        cause: `${small(folder, "size=1m")}; mount -o remount,ro ${folder}`,
        fix: `umount -l ${folder}`,
        error: new RegExp(`^the file system ${folder} is read-only, .*\n.*remount,rw ${folder}`),
      },
    ]),
    {
      what: "/run is full",
      cause: `mount -o remount,size=1m /run; ${fill("/run")}`,
      fix: "rm -f /run/fill /run/more; mount -o remount,size=50% /run",
      error: /^the file system \/run is full, /,
    },
    {
      what: "/run is read-only",
      cause: "mount -o remount,ro /run",
      fix: "mount -o remount,rw /run",
      error: /^the file system \/run is read-only, /,
    },
  ];

  for (const { what, cause, fix, error } of faults) {
    it(`F6: refuses a push when ${what}, changes nothing, and accepts it afterwards`, async () => {
      const before = await snapshot();
      try {
        await session.run(cause);
        const refused = await session.apply(next);
        assert.equal(refused.code, 1, refused.stdout);
        assert.match(refused.complaint, error);
      } finally {
        await session.run(fix);
      }
      assert.equal(await snapshot(), before);
      assert.equal(await session.converge(next), "confirmed");
      assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1300");
      assert.equal(await session.converge(previous), "confirmed");
    });
  }

  it("F6: confirms on a disk that has become full, because that needs no space", async () => {
    const { token } = await session.apply(next);
    await session.waitUntil("[ -f /run/wireguard-mesh/wg0/result ]");
    await session.run(`${small("/etc/wireguard", "size=256k")}; ${fill("/etc/wireguard")}`);
    await session.run(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    const confirmed = await session.confirm(token);
    assert.equal(confirmed.outcome, "confirmed", confirmed.stderr);
    assert.match(await session.run(`cat ${LIVE}`), /MTU = 1300/);
    assert.equal((await session.apply(next)).outcome, "unchanged");
    await session.run("umount -l /etc/wireguard; umount -l /var/lib");
    assert.equal(await session.converge(previous), "confirmed");
  });

  it("F6: rolls back at once when the disk has become read-only, and reports it", async () => {
    const { token } = await session.apply(next);
    await session.waitUntil("[ -f /run/wireguard-mesh/wg0/result ]");
    await session.run(`${small("/etc/wireguard", "size=1m")}; mount -o remount,ro /etc/wireguard`);
    const refused = await session.confirm(token);
    assert.match(refused.complaint, /^the file system \/etc\/wireguard is read-only/);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    assert.doesNotMatch(await session.run(`cat ${LIVE}`), /MTU/);
    await session.run("umount -l /etc/wireguard");
    assert.equal(await session.converge(previous), "unchanged");
  });

  it("F6: rolls back by its timer on a full disk", async () => {
    const { token } = await session.apply({ ...next, timeout: 2 });
    await session.run(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    await session.waitUntil(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    await session.run(`umount -l /var/lib; test -d ${STATE}`);
  });

  it("leaks no secret", () => leaks.end());
});
