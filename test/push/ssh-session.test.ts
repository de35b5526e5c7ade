/** A person's session on this very machine; by SSH: lab/ssh. */
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

describe("a session on this very machine", () => {
  it("is the user's own shell, with the command's words joined as sshd does, and its exit code", async () => {
    assert.deepEqual(await run(["test", "'a", "b'", "=", "'a b'", "&&", "exit", "7"]), {
      exitCode: 7,
      ways: ["local"],
    });
  });

  it("has 128 and the signal's number as the code of a command that a signal ended", async () => {
    assert.equal((await run(["kill -TERM $$"])).exitCode, 143);
  });

  it("is given nothing of the engine's environment", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "x";
    try {
      const { exitCode } = await run(['test -z "$PULUMI_CONFIG_PASSPHRASE" && test -n "$PATH"']);
      assert.equal(exitCode, 0);
    } finally {
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
    }
  });
});
