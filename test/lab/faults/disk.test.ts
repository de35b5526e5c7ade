/** F6: a full or read-only disk is reported, with the system's error and a remedy, before anything is changed. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { APPLIED, HostSession, LIVE, STATE, type WantedState } from "../support/host-protocol";
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
        error: new RegExp(`^cannot write ${folder}/.*: No space left on device\n.*df -h ${folder}`),
      },
      {
        what: `${folder} has no inode left`,
        cause: `${small(folder, "nr_inodes=64")}; ${useAllInodes(folder)}`,
        fix: `umount -l ${folder}`,
        error: new RegExp(`^cannot write ${folder}/.*: No space left on device\n.*df -i ${folder}`),
      },
      {
        what: `${folder} is read-only`,
        cause: `${small(folder, "size=1m")}; mount -o remount,ro ${folder}`,
        fix: `umount -l ${folder}`,
        error: new RegExp(`^cannot write ${folder}/.*: Read-only file system\n.*remount,rw`),
      },
    ]),
    {
      what: "/run is full",
      cause: `mount -o remount,size=1m /run; ${fill("/run")}`,
      fix: "rm -f /run/fill /run/more; mount -o remount,size=50% /run",
      error: /^cannot write \/run\/.*: No space left on device\n.*df -h \/run/,
    },
    {
      what: "/run is read-only",
      cause: "mount -o remount,ro /run",
      fix: "mount -o remount,rw /run",
      error: /^cannot write \/run\/.*: Read-only file system\n.*findmnt -T \/run/,
    },
  ];

  for (const { what, cause, fix, error } of faults) {
    it(`F6: refuses a push when ${what}, changes nothing, and accepts it afterwards`, async () => {
      const before = await session.snapshot();
      try {
        await session.run(cause);
        const refused = await session.apply(next);
        assert.equal(refused.code, 1, refused.stdout);
        assert.match(refused.complaint, error);
      } finally {
        await session.run(fix);
      }
      assert.equal(await session.snapshot(), before);
      assert.equal(await session.converge(next), "confirmed");
      assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1300");
      assert.equal(await session.converge(previous), "confirmed");
    });
  }

  it("F6: confirms on a disk that has become full, because that needs no space", async () => {
    const { token } = await session.apply(next);
    await session.waitUntil(`[ -e ${APPLIED} ]`);
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
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    await session.run(`${small("/etc/wireguard", "size=1m")}; mount -o remount,ro /etc/wireguard`);
    const refused = await session.confirm(token);
    assert.match(
      refused.complaint,
      /^cannot write \/etc\/wireguard\/wg0\.conf: Read-only file system\n.*remount,rw/,
    );
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    assert.doesNotMatch(await session.run(`cat ${LIVE}`), /MTU/);
    await session.run("umount -l /etc/wireguard");
    assert.equal(await session.converge(previous), "unchanged");
  });

  it("F6: rolls back by its timer on a full disk", async () => {
    const { token } = await session.apply({ ...next, timeout: 8 });
    // The guard has opened its files.
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    await session.run(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    await session.waitUntilUndone(token);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    await session.run(`umount -l /var/lib; test -d ${STATE}`);
  });

  it("leaks no secret", () => leaks.end());
});
