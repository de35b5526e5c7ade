/** Running a script as root on this very machine: sent when the shell is ready, bounded, heard line by line. */
import * as assert from "node:assert/strict";
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "../../scripts/push/connect";
import { explainFailure } from "../../scripts/push/ssh-failure";

const LOCAL: HostAccess = { node: "laptop", targets: [{ kind: "local" }], sshPrivateKey: null };

describe("a script on this very machine", function () {
  before(function () {
    // Others would need a sudo without a password here, which a test must not ask for.
    assert.equal(process.getuid?.(), 0, "this test needs root");
  });

  it("runs as root and gives its output, its exit code and the way", async () => {
    const script = "id -u; read -r line <<'X'\nfrom stdin\nX\necho $line; echo talk >&2; exit 3";
    const run = await runOnHost(LOCAL, script, { limitMs: 10_000 });
    const expected = { stdout: "0\nfrom stdin\n", stderr: "talk\n", exitCode: 3, through: "local" };
    assert.deepEqual(run, expected);
  });

  it("is heard line by line while it runs", async () => {
    const lines: string[] = [];
    const onTalk = (line: string): undefined => void lines.push(line);
    await runOnHost(LOCAL, "printf 'a\\nb' >&2; sleep 0.2; echo c >&2", {
      limitMs: 10_000,
      onTalk,
    });
    assert.deepEqual(lines, ["a", "bc"]);
  });

  it("is ended when its time is up, with all that it started", async () => {
    const start = Date.now();
    const run = await runOnHost(LOCAL, "echo begun; sleep 60 & sleep 61", { limitMs: 500 });
    assert.deepEqual([run.stdout, run.exitCode], ["begun\n", null]);
    assert.ok(Date.now() - start < 5_000);
  });

  it("gets more time when its talk earns it", async () => {
    const script = "echo progress: x >&2; sleep 1; echo done";
    const onTalk = (line: string): number | undefined =>
      line === "progress: x" ? 10_000 : undefined;
    const run = await runOnHost(LOCAL, script, { limitMs: 700, onTalk });
    assert.deepEqual([run.stdout, run.exitCode], ["done\n", 0]);
  });

  it("needs a sudo without a password where the user is not root", () => {
    const failure = explainFailure({
      node: "laptop",
      chain: [],
      talk: ["sudo: a password is required\n"],
      gaveUpAfterS: null,
    });
    assert.equal(failure.kind, "no-root");
    assert.equal(failure.cause, "your user here may not become root without a password");
    const line =
      'echo "$(id -un) ALL=(root) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/wireguard-mesh';
    assert.equal(failure.remedy, `As a user who may, on this machine: ${line}`);
  });
});
