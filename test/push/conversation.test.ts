/** Reading a host's first output: sections, an error with its remedy, a change that came in between. */
import * as assert from "node:assert/strict";
import {
  linesWith,
  newToken,
  NO_QUESTIONS,
  observe,
  Overtaken,
  type Call,
} from "../../scripts/push/conversation";
import { hostProgram } from "../../scripts/push/host-program";
import { PushError } from "../../scripts/push/push-error";
import { SessionLost, type HostRun, type Session } from "../../scripts/push/session";

const TOKEN = "0123456789abcdef0123456789abcdef";
const CALL: Call = { verb: "status", interface: "wg0", token: TOKEN };

/** A session in which the host prints these lines, or ends. */
function sessionWith(answer: string[] | Partial<HostRun>, sent: string[] = []): Session {
  return {
    through: "local",
    lastChange: "",
    send: (text) => void sent.push(text),
    end: () => undefined,
    until: (marker) => {
      assert.equal(marker, `@${TOKEN} end`);
      if (Array.isArray(answer)) return Promise.resolve(answer);
      const run = { stdout: "", stderr: "", exitCode: 0, through: "local", ...answer };
      return Promise.reject(new SessionLost("host: lost", "ended", run));
    },
    finish: () => Promise.reject(new Error("nothing was answered")),
  };
}

const seen = (...lines: string[]) => observe(sessionWith(lines), "host", CALL, NO_QUESTIONS);

async function failureOf(run: Partial<HostRun>): Promise<unknown> {
  return observe(sessionWith(run), "host", CALL, NO_QUESTIONS).then(
    () => assert.fail("did not fail"),
    (error: unknown) => error,
  );
}

describe("an observation", () => {
  it("is in sections that begin with the token; text before them is ignored", async () => {
    const { bootId, now, nft } = await seen(
      "Welcome to host!",
      "boot of-a-banner",
      ...[`@${TOKEN} host`, "boot B", "now 7"],
      ...[`@${TOKEN} nft`, "table inet a {", "}"],
    );
    assert.deepEqual([bootId, now, nft], ["B", 7, ["table inet a {", "}"]]);
  });

  it("is not ended by the output of a tool", async () => {
    const output = [
      `@${"f".repeat(32)} host`,
      "boot another",
      ` @${TOKEN} host`,
      `comment "@${TOKEN} host"`,
      `@${TOKEN}`,
      "@ now",
    ];
    const { bootId, nft } = await seen(`@${TOKEN} host`, "boot B", `@${TOKEN} nft`, ...output);
    assert.deepEqual([bootId, nft], ["B", output]);
  });

  it("is requested by sending the program with its questions", async () => {
    const sent: string[] = [];
    const questions = {
      presharedKeys: "wg0\tA\tX\nwg0\tB\tY\n",
      names: ["a.example.org", "b.example.org"],
      ownKeys: true,
      hostFilter: true,
      ownTable: true,
    };
    await observe(sessionWith([], sent), "host", CALL, questions);
    assert.deepEqual(sent, [
      `${hostProgram()}QUESTIONS='psk\twg0\tA\tX\npsk\twg0\tB\tY\nname\ta.example.org\n` +
        `name\tb.example.org\nkeys\nfilter\ntable\n'; main status wg0 ${TOKEN}; exit\n`,
    ]);
  });

  it("that is damaged is an error that names the host", async () => {
    const damaged = seen(`@${TOKEN} ip`, '[{"ifname":');
    await assert.rejects(damaged, /^PushError: host: .*; nothing was changed\nlook on the host/);
  });

  it("is an Overtaken error if another change came first", async () => {
    const failure = await failureOf({ stdout: "overtaken\n" });
    assert.ok(failure instanceof Overtaken);
  });

  it("that the host refuses fails with the host's error, and otherwise with a lost session", async () => {
    const stderr =
      "error: cannot write /run/x: No space left on device\nremedy: cannot-write /run/x\n";
    const failure = await failureOf({ exitCode: 1, stderr });
    assert.ok(failure instanceof PushError && !(failure instanceof SessionLost));
    assert.match(
      failure.message,
      /^host: cannot write \/run\/x: No space left .*\nmake room there/,
    );
    assert.ok((await failureOf({ exitCode: null })) instanceof SessionLost);
  });
});

describe("a token", () => {
  it("is 128 random bits", () => {
    assert.match(newToken(), /^[0-9a-f]{32}$/);
    assert.notEqual(newToken(), newToken());
  });
});

describe("the lines of an answer", () => {
  it("are found by their first word", () => {
    const output = "note one\nnoted\nHello\nnote two 2\nnote \n";
    assert.deepEqual(linesWith("note", output), ["one", "two 2", ""]);
  });
});
