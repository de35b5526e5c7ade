/** Running a script as root on the local machine: time limit, and stderr line by line. */
import * as assert from "node:assert/strict";
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "../../scripts/push/connect";
import { explainFailure } from "../../scripts/push/ssh-failure";
import { programs } from "../support/programs";

const LOCAL: HostAccess = { node: "laptop", targets: [{ kind: "local" }], sshPrivateKey: null };

describe("a script on the local machine", function () {
  before(function () {
    // Another user would need passwordless sudo, which a test must not require.
    programs.requireRoot(this);
  });

  it("runs as root and returns its output, exit code and target", async () => {
    const script = "id -u; read -r line <<'X'\nfrom stdin\nX\necho $line; echo talk >&2; exit 3";
    const run = await runOnHost(LOCAL, script, { limitMs: 10_000 });
    const expected = { stdout: "0\nfrom stdin\n", stderr: "talk\n", exitCode: 3, through: "local" };
    assert.deepEqual(run, expected);
  });

  it("reports stderr line by line while it runs", async () => {
    const lines: string[] = [];
    const onTalk = (line: string): undefined => void lines.push(line);
    await runOnHost(LOCAL, "printf 'a\\nb' >&2; sleep 0.2; echo c >&2", {
      limitMs: 10_000,
      onTalk,
    });
    assert.deepEqual(lines, ["a", "bc"]);
  });

  it("is killed after the time limit with all its children", async () => {
    const start = Date.now();
    const run = await runOnHost(LOCAL, "echo begun; sleep 60 & sleep 61", { limitMs: 500 });
    assert.deepEqual([run.stdout, run.exitCode], ["begun\n", null]);
    assert.ok(Date.now() - start < 5_000);
  });

  it("gets more time if onTalk returns a new limit", async () => {
    const script = "echo progress: x >&2; sleep 1; echo done";
    const onTalk = (line: string): number | undefined =>
      line === "progress: x" ? 10_000 : undefined;
    const run = await runOnHost(LOCAL, script, { limitMs: 700, onTalk });
    assert.deepEqual([run.stdout, run.exitCode], ["done\n", 0]);
  });

  it("requires passwordless sudo if the user is not root", () => {
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
