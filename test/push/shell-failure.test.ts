/** Causes of failure after authentication; the output was captured from bash, sudo 1.9.13, nologin and cloud-init. */
import * as assert from "node:assert/strict";
import type { Failure } from "../../scripts/push/ssh-failure";
import { explain, HOST, LET_IN, logOf } from "./support/failed-login";

const GRANT = 'echo "taro ALL=(root) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/wireguard-mesh';

/** The user was authenticated, and the command of the login did not run. */
function noShell(output: string, exitCode: number | null, gaveUpAfterS: number | null = null) {
  return explain({ logTexts: [LET_IN], output, exitCode, gaveUpAfterS });
}

/** The command of the login ran, and did not become root. */
function noRoot(output: string, exitCode: number | null, gaveUpAfterS: number | null = null) {
  return explain({ logTexts: [LET_IN], output, exitCode, gaveUpAfterS, step: "root" });
}

function expected(kind: Failure["kind"], cause: string, words: string): [string, string] {
  return [kind, words === "" ? cause : `${cause}\n    it says: ${words}`];
}

describe("the cause after a login that found no shell", () => {
  it("is the user to whom cloud-init sends root, and the remedy is that user", () => {
    const words = 'Please login as the user "ubuntu" rather than the user "root".';
    const root = { ...HOST, user: "root" };
    const failure = explain({
      chain: [root],
      logTexts: [LET_IN],
      output: `${words}\n\n`,
      exitCode: null,
    });
    assert.deepEqual(
      [failure.kind, failure.cause],
      expected("no-shell", "root is let in, but only to be told to log in as ubuntu", words),
    );
    assert.match(failure.remedy, /host of desktop: ubuntu@10\.0\.0\.2:2222\./);
  });

  it("is a login shell that ends at once", () => {
    const words = "This account is currently not available.";
    const failure = noShell(`${words}\n`, 1);
    const cause = "taro is let in, but it may not work there: its login shell ends at once";
    assert.deepEqual([failure.kind, failure.cause], expected("no-shell", cause, words));
    assert.match(failure.remedy, /sudo usermod -s \/bin\/sh taro/);
  });

  it("is a command in authorized_keys", () => {
    const forced = logOf(
      "debug1: Remote: /home/taro/.ssh/authorized_keys:1: key options: agent-forwarding command pty",
    );
    const failure = explain({ logTexts: [LET_IN + forced], output: "backup only", exitCode: 1 });
    assert.match(
      failure.cause,
      /^taro is let in, but authorized_keys there has a command of its own/,
    );
    assert.match(failure.cause, /\n {4}it says: backup only$/);
    assert.match(failure.remedy, /~taro\/\.ssh\/authorized_keys/);
  });

  it("is a start-up file that waits, starts another program, or ends", () => {
    const waits = noShell("hello from .bashrc\n", null, 10);
    const cause = "taro is let in, but its login shell did not run our command within 10 s";
    assert.deepEqual([waits.kind, waits.cause], expected("no-shell", cause, "hello from .bashrc"));
    assert.match(waits.remedy, /~\/\.bashrc.*case \$- in \*i\*\) ;; \*\) return ;; esac/);
    assert.match(waits.remedy, /"ok": ssh -p 2222 taro@10\.0\.0\.2 echo ok$/);
    const words = "open terminal failed: not a terminal";
    assert.equal(
      noShell(words, 1).cause,
      `taro is let in, but its login shell ended with code 1, and did not run our command\n    it says: ${words}`,
    );
    assert.equal(
      noShell("", 0).cause,
      "taro is let in, but its login shell ended with code 0, and did not run our command",
    );
  });

  it("is a start-up file that prints without end", () => {
    const failure = explain({ logTexts: [LET_IN], isTooMuch: true, output: "loop\n".repeat(100) });
    assert.match(failure.cause, /printed more than 256 KB before our command\n {4}it says: loop\n/);
    assert.equal(failure.cause.split("\n").length, 4);
  });
});

describe("the cause after a login that did not become root", () => {
  it("is a sudo that requires a password, and the remedy is the line for sudoers", () => {
    const failure = noRoot("sudo: a password is required\n", 1);
    const cause = "taro is let in, but may not become root without a password";
    assert.deepEqual(
      [failure.kind, failure.cause],
      expected("no-root", cause, "sudo: a password is required"),
    );
    assert.equal(failure.remedy, `As a user who may, on that machine: ${GRANT}`);
  });

  it("is recognized by sudo's exit code in another language", () => {
    const failure = noRoot("sudo: Ein Passwort ist notwendig\n", 1);
    const cause = "taro is let in, but may not become root: sudo ended with code 1";
    assert.deepEqual(
      [failure.kind, failure.cause],
      expected("no-root", cause, "sudo: Ein Passwort ist notwendig"),
    );
    assert.equal(failure.remedy, `As a user who may, on that machine: ${GRANT}`);
  });

  it("is a sudo that requires a terminal, and the remedy is !requiretty", () => {
    const words = "sudo: sorry, you must have a tty to run sudo";
    const failure = noRoot(words, 1);
    const cause =
      "taro is let in, but sudo wants a terminal there (requiretty), which a push has not";
    assert.deepEqual([failure.kind, failure.cause], expected("no-root", cause, words));
    assert.equal(
      failure.remedy,
      "As a user who may, on that machine: printf 'Defaults:%s !requiretty\\n%s ALL=(root) NOPASSWD: ALL\\n' taro taro" +
        " | sudo tee /etc/sudoers.d/wireguard-mesh",
    );
  });

  it("is a missing sudo, in any language", () => {
    const missing = ["sh: 1: exec: sudo: not found", "sh: Zeile 1: exec: sudo: Nicht gefunden."];
    for (const words of missing) {
      const failure = noRoot(words, 127);
      const cause = "taro is let in, but cannot become root, for there is no sudo";
      assert.deepEqual([failure.kind, failure.cause], expected("no-root", cause, words));
      assert.match(
        failure.remedy,
        /^Log in as root; or install sudo, and on that machine as root: /,
      );
    }
  });

  it("is a sudo that does not answer, and the remedy is /etc/hosts", () => {
    const failure = noRoot("", null, 31);
    assert.equal(failure.cause, "taro is let in, but sudo there has not answered within 30 s");
    assert.match(
      failure.remedy,
      /echo "127\.0\.1\.1 \$\(hostname\)" \| sudo tee -a \/etc\/hosts\./,
    );
  });

  it("is the same on the local machine", () => {
    const local = { chain: [], logTexts: [], step: "root" as const };
    const failure = explain({ ...local, output: "sudo: a password is required\n", exitCode: 1 });
    assert.match(failure.cause, /^your user here may not become root without a password\n/);
    const line =
      'echo "$(id -un) ALL=(root) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/wireguard-mesh';
    assert.equal(failure.remedy, `As a user who may, on this machine: ${line}`);
    const tty = explain({ ...local, output: "sudo: sorry, you must have a tty to run sudo" });
    assert.match(tty.remedy, /NOPASSWD: ALL\\n' "\$\(id -un\)" "\$\(id -un\)" \| sudo tee/);
  });
});
