/** `wireguard-mesh ssh` on this machine itself; over SSH: lab/ssh. */
import assert from "node:assert/strict";
import { runSession, type SessionCall } from "../../scripts/push/ssh-session";

const LOCAL = { node: "laptop", targets: [{ kind: "local" } as const], sshPrivateKey: null };

async function run(command: string[]): Promise<{ exitCode: number; ways: string[] }> {
  const ways: string[] = [];
  const call: SessionCall = {
    command,
    forceTerminal: false,
    onWay: (through) => ways.push(through),
    onSlow: () => undefined,
  };
  return { exitCode: await runSession(LOCAL, call), ways };
}

describe("a session on this machine", () => {
  it("runs the user's own shell, joins the arguments as sshd does, and returns its exit code", async () => {
    assert.deepEqual(await run(["test", "'a", "b'", "=", "'a b'", "&&", "exit", "7"]), {
      exitCode: 7,
      ways: ["local"],
    });
  });

  it("returns 128 and the signal's number for a command that was killed", async () => {
    assert.equal((await run(["kill -TERM $$"])).exitCode, 143);
  });

  it("gets no variable of the engine's", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "x";
    try {
      const { exitCode } = await run(['test -z "$PULUMI_CONFIG_PASSPHRASE" && test -n "$PATH"']);
      assert.equal(exitCode, 0);
    } finally {
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
    }
  });
});
