/** F6: a disk that takes nothing: told before anything is touched, by the name of the file system. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { HostTalk, LIVE, STATE, type Wanted } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf } from "../support/pushing";

const MTU = "MTU = 1300";

describe("a host whose disk takes nothing", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let talk: HostTalk;
  const former: Wanted = { config: configOf("relay", "10.0.0.1/24") };
  const next: Wanted = {
    config: configOf("relay", "10.0.0.1/24", [MTU]),
    forwarding: true,
    timeout: 20,
  };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-disk" });
    leaks = await LeakWatch.ofPushes(lab);
    talk = new HostTalk(lab, "relay");
    await talk.converge(former);
  });
  after(() => lab.down());

  /** The file, what runs, and what is pending: all that a refused push must leave alone. */
  async function picture(): Promise<string> {
    return talk.said(
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
      const before = await picture();
      try {
        await talk.said(ail);
        const refused = await talk.apply(next);
        assert.equal(refused.code, 1, refused.stdout);
        assert.match(refused.complaint, says);
      } finally {
        await talk.said(mend);
      }
      assert.equal(await picture(), before);
      assert.equal(await talk.converge(next), "confirmed");
      assert.equal(await talk.said("cat /sys/class/net/wg0/mtu"), "1300");
      assert.equal(await talk.converge(former), "confirmed");
    });
  }

  it("F6: confirms on a disk that became full meanwhile, for that takes no room", async () => {
    const { token } = await talk.apply(next);
    await talk.until("[ -f /run/wireguard-mesh/wg0/result ]");
    await talk.said(`${small("/etc/wireguard", "size=256k")}; ${fill("/etc/wireguard")}`);
    await talk.said(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    const confirmed = await talk.confirm(token);
    assert.equal(confirmed.outcome, "confirmed", confirmed.stderr);
    assert.match(await talk.said(`cat ${LIVE}`), /MTU = 1300/);
    assert.equal((await talk.apply(next)).outcome, "unchanged");
    await talk.said("umount -l /etc/wireguard; umount -l /var/lib");
    assert.equal(await talk.converge(former), "confirmed");
  });

  it("F6: goes back at once when the disk became read-only meanwhile, and says so", async () => {
    const { token } = await talk.apply(next);
    await talk.until("[ -f /run/wireguard-mesh/wg0/result ]");
    await talk.said(`${small("/etc/wireguard", "size=1m")}; mount -o remount,ro /etc/wireguard`);
    const refused = await talk.confirm(token);
    assert.match(refused.complaint, /^the file system \/etc\/wireguard is read-only/);
    assert.equal(await talk.said("cat /sys/class/net/wg0/mtu"), "1420");
    assert.doesNotMatch(await talk.said(`cat ${LIVE}`), /MTU/);
    await talk.said("umount -l /etc/wireguard");
    assert.equal(await talk.converge(former), "unchanged");
  });

  it("F6: goes back by its timer on a full disk", async () => {
    const { token } = await talk.apply({ ...next, timeout: 2 });
    await talk.said(`${small("/var/lib", "size=256k")}; ${fill("/var/lib")}`);
    await talk.until(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal(await talk.said("cat /sys/class/net/wg0/mtu"), "1420");
    await talk.said(`umount -l /var/lib; test -d ${STATE}`);
  });

  it("let no secret be seen anywhere in all of this", () => leaks.end());
});
