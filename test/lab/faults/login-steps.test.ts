/** Logins that fail after authentication: each error has the host's own message, and its remedy works. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { PushRequest, PushResult } from "../../../mesh/push-request";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { hop, push, requestFor } from "../support/pushing";
import { installSudo } from "../support/stand-in-sudo";

/** The line that the remedy for start-up files gives. */
const GUARD = "case $- in *i*) ;; *) return ;; esac";

describe("a login to a host", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let relay: HostSession;
  before(async () => {
    lab = await Lab.up(
      { hosts: { relay: { public: "203.0.113.10" } } },
      { id: "test-login-steps" },
    );
    leaks = await LeakWatch.forPushes(lab);
    relay = new HostSession(lab, "relay");
    await installSudo(relay);
  });
  after(() => lab.down());

  function requestAs(user: string): PushRequest {
    const target = { ...hop(lab, "relay", lab.managementAddress("relay")), user };
    return requestFor(lab, "relay", { targets: [{ kind: "ssh", hop: target, via: [] }] });
  }

  /** Asserts that a push is refused after the login, once. @returns its message */
  async function refused(user: string): Promise<string> {
    const before = lab.logins("relay");
    const { code, stdout, stderr } = await push(lab, "apply", requestAs(user));
    assert.deepEqual([code, stdout, lab.logins("relay") - before], [1, "", 1], stderr);
    return stderr;
  }

  /** Asserts that a push succeeds. @returns its stderr */
  async function succeeds(user: string): Promise<string> {
    const { code, stdout, stderr } = await push(lab, "apply", requestAs(user));
    assert.equal(code, 0, stderr);
    assert.match((JSON.parse(stdout) as PushResult).outcome, /^(applied|unchanged)$/);
    return stderr;
  }

  /** The command that a remedy gives, which is to be run on the host: by root here, so without sudo. */
  function commandIn(message: string, pattern: RegExp): string {
    const command = pattern.exec(message)?.[1];
    assert.ok(command !== undefined, message);
    return command.replace(/\bsudo /, "");
  }

  const FILE_OF = { root: "/root/.ssh/authorized_keys", admin: "/home/admin/.ssh/authorized_keys" };

  async function withForcedCommand(command: string, work: () => Promise<void>): Promise<void> {
    const file = lab.fileOf("relay", FILE_OF.root);
    const before = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, `no-pty,command="${command.replaceAll('"', '\\"')}" ${before}`);
    try {
      await work();
    } finally {
      fs.writeFileSync(file, before);
    }
  }

  describe("that finds no shell", () => {
    const CLOUD_INIT = `echo 'Please login as the user "admin" rather than the user "root".';echo;sleep 10;exit 142`;

    it("because of cloud-init's command for root: the remedy is the user that it names", async () => {
      await relay.run("echo 'admin ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/admin");
      await withForcedCommand(CLOUD_INIT, async () => {
        const message = await refused("root");
        assert.match(message, /^relay: root is let in, but only to be told to log in as admin\. /);
        assert.match(
          message,
          /\n {4}it says: Please login as the user "admin" rather than the user "root"\.\n/,
        );
        const user = /host of relay: (\w+)@172\.29\.0\.10\./.exec(message)?.[1] ?? "";
        await succeeds(user);
      });
      await relay.run("rm /etc/sudoers.d/admin");
    });

    it("because of a command in authorized_keys: the remedy is to remove it", async () => {
      await withForcedCommand('echo "backups only, not: $SSH_ORIGINAL_COMMAND"', async () => {
        const message = await refused("root");
        assert.match(message, /authorized_keys there has a command of its own for this key/);
        assert.match(message, /\n {4}it says: backups only, not: exec sh -c /);
        assert.match(message, /off the line of this key in ~root\/\.ssh\/authorized_keys/);
      });
      await succeeds("root");
    });

    it("because of nologin: the remedy is a shell", async () => {
      await relay.run("usermod -s /usr/sbin/nologin root");
      const message = await refused("root");
      assert.match(
        message,
        /^relay: root is let in, but it may not work there: its login shell ends/,
      );
      assert.match(message, /\n {4}it says: This account is currently not available\.\n/);
      await relay.run(commandIn(message, /^Give it a shell: (.*) on that machine;/m));
      await succeeds("root");
      await relay.run("usermod -s /bin/bash root");
    });

    const START_UP = {
      "starts another program": ["exec sleep 600", /did not run our command within 1\d s\. /],
      "reads input": [
        "echo 'Continue?'; read -r answer",
        /within 1\d s\. .*\n {4}it says: Continue\?/,
      ],
      ends: ["echo bye >&2; exit 7", /ended with code 7, and did not run.*\n {4}it says: bye\n/],
      "prints without end": [
        "while :; do echo again; done",
        /more than 256 KB.*\n {4}it says: again\n/,
      ],
    } as const;
    for (const [what, [line, cause]] of Object.entries(START_UP)) {
      it(`because of a .bashrc that ${what}: the remedy is to do so only in interactive shells`, async () => {
        const bashrc = lab.fileOf("relay", "/root/.bashrc");
        fs.writeFileSync(bashrc, `${line}\n`);
        const message = await refused("root");
        assert.match(message, cause);
        assert.match(message, /~\/\.bashrc/);
        const first = /by a first line: (.* esac)\./.exec(message)?.[1] ?? GUARD;
        fs.writeFileSync(bashrc, `${first}\n${line}\n`);
        await succeeds("root");
        fs.rmSync(bashrc);
      });
    }
  });

  describe("that does not become root", () => {
    beforeEach(() => installSudo(relay));

    it("because sudo asks for a password: the remedy is the line for sudoers", async () => {
      const message = await refused("admin");
      assert.match(
        message,
        /^relay: admin is let in, but may not become root without a password\. /,
      );
      assert.match(message, /\n {4}it says: sudo: a password is required\n/);
      await relay.run(commandIn(message, /on that machine: (echo .*)/));
      await succeeds("admin");
    });

    it("because sudo asks for a password, in any language: the remedy is the same", async () => {
      // As where sudo's language does not come from the environment.
      await installSudo(relay, "de");
      const message = await refused("admin");
      assert.match(
        message,
        /^relay: admin is let in, but may not become root: sudo ended with code 1/,
      );
      assert.match(message, /\n {4}it says: sudo: Ein Passwort ist notwendig\n/);
      await relay.run(commandIn(message, /on that machine: (echo .*)/));
      await succeeds("admin");
    });

    it("because of requiretty: the remedy is !requiretty", async () => {
      const grant = "admin ALL=(root) NOPASSWD: ALL";
      await relay.run(`printf '%s\\n' 'Defaults requiretty' '${grant}' >/etc/sudoers.d/site`);
      const message = await refused("admin");
      assert.match(message, /sudo wants a terminal there \(requiretty\)/);
      assert.match(message, /\n {4}it says: sudo: sorry, you must have a tty to run sudo\n/);
      await relay.run(commandIn(message, /on that machine: (printf .*)/));
      await succeeds("admin");
    });

    it("for some seconds, because its own name does not resolve: waits, and the remedy is a line in /etc/hosts", async () => {
      await relay.run("echo 'admin ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/site");
      await relay.run("sed -i 's/ relay$//' /etc/hosts");
      const stderr = await succeeds("admin");
      assert.match(stderr, /^relay: is let in, and waits for sudo there$/m);
      assert.match(
        stderr,
        /^relay: sudo took 1\d s there, for the host's own name relay does not/m,
      );
      await relay.run(commandIn(stderr, /On that machine: (echo .*)/));
      const quick = await succeeds("admin");
      assert.doesNotMatch(quick, /sudo/);
    });

    it("because there is no sudo", async () => {
      await relay.run("rm /usr/bin/sudo");
      const message = await refused("admin");
      assert.match(
        message,
        /^relay: admin is let in, but cannot become root, for there is no sudo/,
      );
      await installSudo(relay);
      await relay.run(commandIn(message, /as root: (echo .*)/));
      await succeeds("admin");
    });
  });

  // In a suite of its own, because Mocha runs a suite's tests before its nested suites.
  describe("as a whole", () => {
    it("leaks no secret", () => leaks.end());
  });
});
