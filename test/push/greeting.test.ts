/** The command of a login, with any login shell and any sh, with and without sudo. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { localCommand, greetingScript, remoteCommand } from "../../scripts/push/greeting";

/** The login shells of this machine, which sshd would start. */
const SHELLS = ["sh", "bash", "dash", "busybox sh", "zsh", "fish", "tcsh", "mksh"].filter(
  (shell) => spawnSync("sh", ["-c", `command -v ${shell.split(" ")[0] ?? ""}`]).status === 0,
);

describe("the command that a login runs", () => {
  let folder: string;
  let lockFile: string;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-greeting-"));
    lockFile = path.join(folder, "wg0");
    // A stand-in for sudo: it needs -n, and prints its LC_ALL.
    const sudo =
      '#!/bin/sh\n[ "$1" = -n ] || exit 9\necho "sudo in $LC_ALL" >&2\nshift\nexec "$@"\n';
    fs.writeFileSync(path.join(folder, "sudo"), sudo, { mode: 0o755 });
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function run(shell: string, command: string) {
    const [program = "", ...args] = shell.split(" ");
    const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}`, LC_ALL: "C.UTF-8", HOME: folder };
    const input = "echo 'listens with '\"$0\"; exit 3\n";
    return spawnSync(program, [...args, "-c", command], { env, input, encoding: "utf8" });
  }

  for (const shell of SHELLS) {
    it(`greets as a user, then as root, with the lock file's first line: ${shell}`, () => {
      fs.writeFileSync(lockFile, "0a1b2c\nmore\n");
      const { stdout, stderr, status } = run(
        shell,
        remoteCommand("taro", greetingScript(lockFile)),
      );
      assert.equal(
        stdout,
        "wireguard-mesh: shell\nwireguard-mesh: ready 0a1b2c\nlistens with sh\n",
        stderr,
      );
      assert.deepEqual([stderr, status], ["sudo in C\n", 3]);
    });

    it(`greets as root without sudo: ${shell}`, () => {
      const { stdout, stderr, status } = run(
        shell,
        remoteCommand("root", greetingScript(lockFile)),
      );
      assert.equal(stdout, "wireguard-mesh: ready 0a1b2c\nlistens with sh\n");
      assert.deepEqual([stderr, status], ["", 3]);
    });
  }

  it("prints no token where there is no lock file, or an empty one", () => {
    for (const user of ["root", "taro"]) {
      const missing = run("sh", remoteCommand(user, greetingScript(`${folder}/none`)));
      assert.match(missing.stdout, /^wireguard-mesh: ready$/m);
      assert.doesNotMatch(missing.stderr, /none/);
      fs.writeFileSync(path.join(folder, "empty"), "");
      const empty = run("sh", remoteCommand(user, greetingScript(`${folder}/empty`)));
      assert.match(empty.stdout, /^wireguard-mesh: ready$/m);
    }
    assert.match(
      run("sh", remoteCommand("root", greetingScript(null))).stdout,
      /^wireguard-mesh: ready$/m,
    );
  });

  it("rejects a path that is not one plain word in a shell", () => {
    for (const path of [
      "",
      "run/x",
      "/run/a b",
      "/run/$(id)",
      "/run/'x",
      "/run/x;id",
      "/run/x\ny",
    ]) {
      assert.throws(() => greetingScript(path), /no plain path/, path);
    }
    assert.doesNotThrow(() => greetingScript("/run/wireguard-mesh.lock/wg_0=+.x-1"));
  });

  it("does not contain the markers, so that echoing it cannot look like a greeting", () => {
    const printed = remoteCommand("taro", greetingScript(lockFile));
    assert.doesNotMatch(printed, /wireguard-mesh: (shell|ready)/);
  });

  it("is the same on the local machine, by sudo unless the user is root", () => {
    assert.deepEqual(localCommand(false, "look"), ["sudo", "-n", "sh", "-c", "look; exec sh -s"]);
    assert.deepEqual(localCommand(true, "look"), ["sh", "-c", "look; exec sh -s"]);
  });
});
