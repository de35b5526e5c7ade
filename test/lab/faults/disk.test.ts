/** F6: a disk that takes nothing: told before anything is touched, by the name of the file system. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, LIVE, STATE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf } from "../support/pushing";

const MTU = "MTU = 1300";

describe("a host whose disk takes nothing", function () {
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

  /** The file, what runs, and what is pending: all that a refused push must leave alone. */
  async function snapshot(): Promise<string> {
    return session.run(
      `cat ${LIVE}; wg showconf wg0; cat /sys/class/net/wg0/mtu /proc/sys/net/ipv4/ip_forward; ls /run/wireguard-mesh/wg0/pending || true`,
    );
  }

  /** A small file system over a folder, with what was in it. */
  const small = (folder: string, options: string): string =>
    `cp -a ${folder} /tmp/kept && mount -t tmpfs -o mode=700,${options} tmpfs ${folder} && cp -a /tmp/kept/. ${folder} && rm -r /tmp/kept`;
  const fill = (folder: string): string =>
    `cat /dev/zero >${folder}/fill 2>/dev/null; test ! -s ${folder}/more && ! echo x >${folder}/more`;
  const noInode = (folder: string): string =>
    `i=0; while touch ${folder}/fill-$i; do i=$((i + 1)); done 2>/dev/null; true`;

  const ails: { what: string; ail: string; mend: string; says: RegExp }[] = [
    ...["/etc/wireguard", "/var/lib"].flatMap((folder) => [
      {
        what: `${folder} is full`,
        ail: `${small(folder, "size=256k")}; ${fill(folder)}`,
        mend: `umount -l ${folder}`,
        says: new RegExp(`^the file system ${folder} is full, .*\n.*df -h ${folder}`),
      },
      {
        what: `${folder} has no inode left`,
        ail: `${small(folder, "nr_inodes=64")}; ${noInode(folder)}`,
        mend: `umount -l ${folder}`,
        says: new RegExp(`^the file system ${folder} has no inode left, .*\n.*df -i ${folder}`),
      },
      {
        what: `${folder} is read-only`,
        ail: `${small(folder, "size=1m")}; mount -o remount,ro ${folder}`,
        mend: `umount -l ${folder}`,
        says: new RegExp(`^the file system ${folder} is read-only, .*\n.*remount,rw ${folder}`),
      },
    ]),
    {
      what: "/run is full",
      ail: `mount -o remount,size=1m /run; ${fill("/run")}`,
      mend: "rm -f /run/fill /run/more; mount -o remount,size=50% /run",
      says: /^the file system \/run is full, /,
    },
    {
      what: "/run is read-only",
      ail: "mount -o remount,ro /run",
      mend: "mount -o remount,rw /run",
      says: /^the file system \/run is read-only, /,
    },
  ];

  for (const { what, ail, mend, says } of ails) {
    it(`F6: refuses a push when ${what}, says so, touches nothing, and takes it afterwards`, async () => {
      const before = await snapshot();
      try {
        await session.run(ail);
        const refused = await session.apply(next);
        assert.equal(refused.code, 1, refused.stdout);
        assert.match(refused.complaint, says);
      } finally {
        await session.run(mend);
      }
      assert.equal(await snapshot(), before);
      assert.equal(await session.converge(next), "confirmed");
      assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1300");
      assert.equal(await session.converge(previous), "confirmed");
    });
  }

  it("F6: confirms on a disk that became full meanwhile, for that takes no room", async () => {
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

  it("F6: goes back at once when the disk became read-only meanwhile, and says so", async () => {
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

  it("F6: goes back by its timer on a full disk", async () => {
    const { token } = await session.apply({ ...next, timeout: 2 });
    await session.run(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    await session.waitUntil(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    await session.run(`umount -l /var/lib; test -d ${STATE}`);
  });

  it("leaks no secret", () => leaks.end());
});
