/** Writes that fail for other reasons than a full disk: the real error is reported, with its remedy. Needs root. */
import * as assert from "node:assert/strict";
import { APPLIED, DROP_IN, LIVE, STATE, type WantedState } from "../support/host-protocol";
import { WorkingNetwork } from "../support/working-network";

describe("a host where a file cannot be written", function () {
  this.timeout(180_000);
  let net: WorkingNetwork;
  let previous: WantedState;
  let next: WantedState;
  before(async () => {
    net = await WorkingNetwork.up("test-f-writes");
    previous = net.relayState();
    // Another live file and another drop-in.
    next = { ...net.relayState({ more: ["MTU = 1390"] }), forwarding: { ipv4: true, ipv6: true } };
  });
  after(() => net.lab.down());

  const faults: { what: string; cause: string; fix: string; error: RegExp }[] = [
    {
      what: "the live file is immutable",
      cause: `chattr +i ${LIVE}`,
      fix: `chattr -i ${LIVE}`,
      error: new RegExp(`^cannot write ${LIVE}: Operation not permitted\n.*chattr -i ${LIVE}`),
    },
    {
      what: "the sysctl file is immutable",
      cause: `chattr +i ${DROP_IN}`,
      fix: `chattr -i ${DROP_IN}`,
      error: new RegExp(
        `^cannot write ${DROP_IN}: Operation not permitted\n.*chattr -i ${DROP_IN}`,
      ),
    },
    {
      what: "the record is immutable",
      cause: `chattr +i ${STATE}/confirmed`,
      fix: `chattr -i ${STATE}/confirmed`,
      error: /^cannot write \S+\/confirmed: Operation not permitted\n.*chattr -i/,
    },
    {
      what: "the folder of the live file is immutable",
      cause: "chattr +i /etc/wireguard",
      fix: "chattr -i /etc/wireguard",
      error: /^cannot write \S+: Operation not permitted\n.*lsattr -d \S+ \/etc\/wireguard;/,
    },
    {
      what: "the live file is a bind mount",
      cause: `cp ${LIVE} /root/elsewhere; mount --bind /root/elsewhere ${LIVE}`,
      fix: `umount ${LIVE}; rm /root/elsewhere`,
      error: new RegExp(`^${LIVE} is a mount point, .*\n.*umount ${LIVE}`),
    },
    {
      what: "the sysctl file is a bind mount",
      cause: `cp ${DROP_IN} /root/elsewhere; mount --bind /root/elsewhere ${DROP_IN}`,
      fix: `umount ${DROP_IN}; rm /root/elsewhere`,
      error: new RegExp(`^${DROP_IN} is a mount point, .*\n.*umount ${DROP_IN}`),
    },
    {
      what: "/etc/wireguard is read-only",
      cause: "mount --bind /etc/wireguard /etc/wireguard; mount -o remount,bind,ro /etc/wireguard",
      fix: "umount /etc/wireguard",
      error: /^cannot write \S+: Read-only file system\n.*findmnt -T \/etc\/wireguard/,
    },
    {
      what: "a file is where the folder of sysctl files should be",
      cause: "mv /etc/sysctl.d /root/sysctl.d; : >/etc/sysctl.d",
      fix: "rm /etc/sysctl.d; mv /root/sysctl.d /etc/sysctl.d",
      error:
        /^cannot write \/etc\/sysctl\.d\S*: (File exists|Not a directory)\n.*ls -ld \/etc\/sysctl\.d; move it away/,
    },
    {
      what: "a folder is where the sysctl file should be",
      cause: `rm ${DROP_IN}; mkdir ${DROP_IN}`,
      fix: `rmdir ${DROP_IN}; printf '# wireguard-mesh: wg0\\nnet.ipv4.ip_forward = 1\\n' >${DROP_IN}; chmod 644 ${DROP_IN}`,
      error: new RegExp(
        `^cannot write ${DROP_IN}: Is a directory\n.*ls -ld ${DROP_IN}; move it away`,
      ),
    },
  ];

  for (const { what, cause, fix, error } of faults) {
    it(`refuses a push before it begins when ${what}, and accepts it afterwards`, async () => {
      const before = await net.relay.snapshot();
      await net.undisturbed(async () => {
        await net.relay.run(cause);
        try {
          const refused = await net.relay.apply(next);
          assert.equal(refused.code, 1, refused.outcome);
          assert.match(refused.complaint, error);
        } finally {
          await net.relay.run(fix);
        }
      });
      assert.equal(await net.relay.snapshot(), before);
      assert.equal(await net.relay.converge(next), "confirmed");
      assert.equal(await net.relay.converge(previous), "confirmed");
    });
  }

  it("finishes a commit whose later files cannot be written: a note names them, and the next push repairs it", async () => {
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run(`chattr +i ${DROP_IN}`);
      const { outcome, notes, complaint } = await net.relay.confirm(token);
      assert.equal(outcome, "confirmed", complaint);
      assert.ok(
        notes.some((note) => note.includes(DROP_IN) && /Operation not permitted/.test(note)),
        notes.join("\n"),
      );
    });
    assert.match(await net.relay.run(`cat ${LIVE}`), /MTU = 1390/);
    assert.equal((await net.relay.record()).forwarding.ipv6, true);
    await net.relay.run(`chattr -i ${DROP_IN}`);
    assert.equal(await net.relay.converge(next), "confirmed");
    assert.match(await net.relay.run(`cat ${DROP_IN}`), /ipv6/);
    assert.equal((await net.relay.apply(next)).outcome, "unchanged");
    assert.equal(await net.relay.converge(previous), "confirmed");
  });

  it("undoes the change when the live file itself cannot be replaced at the commit", async () => {
    const before = await net.relay.snapshot();
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run(`chattr +i ${LIVE}`);
      const { outcome, complaint } = await net.relay.confirm(token);
      assert.equal(outcome, undefined);
      assert.match(complaint, new RegExp(`^cannot write ${LIVE}: Operation not permitted\n`));
    });
    await net.relay.run(`chattr -i ${LIVE}`);
    assert.equal(await net.relay.snapshot(), before);
    assert.equal((await net.relay.apply(previous)).outcome, "unchanged");
  });

  it("leaks no secret", () => net.leaks.end());
});
