/** How a push handles a host's replies, missing replies and broken connections, with a scripted fake host. */
import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { PushResult } from "../../mesh/push-request";
import { applyThrough } from "../../scripts/push/apply";
import type { Host, HostRun, RunOptions } from "../../scripts/push/connect";
import { parseAnswer } from "../../scripts/push/host-script";
import { UnreachableError } from "../../scripts/push/push-error";
import { digestOf } from "../../scripts/push/wanted-state";
import { REQUEST } from "./support/request";

const DIGEST = digestOf(REQUEST);

/** The facts of a host in the requested state. */
const FILE = createHash("sha256").update(REQUEST.config).digest("hex");
const DONE = `digest ${DIGEST}\nbackend kernel\nfile ${FILE}\ninterface up\n`;

/** The fake host's behaviour in one connection. */
type Behaviour = (payload: Map<string, string[]>, options: RunOptions) => Partial<HostRun>;

interface Outcome {
  result: PushResult | Error;
  /** The verbs of the connections, in order. */
  verbs: string[];
  talk: string[];
  installs: number;
}

/** Runs a push against the fake host, and asserts one connection for each behaviour. */
async function pushTo(...behaviours: Behaviour[]): Promise<Outcome> {
  const outcome: Outcome = { result: new Error("not begun"), verbs: [], talk: [], installs: 0 };
  const host: Host = {
    run: (script, options) => {
      const payload = parseAnswer(script.slice(script.lastIndexOf("\nverb ")));
      outcome.verbs.push(payload.get("verb")?.at(-1) ?? "");
      const behave = behaviours[outcome.verbs.length - 1];
      assert.ok(behave, `unexpected connection:  ${outcome.verbs.join(", ")}`);
      // A behaviour throws if the host cannot be reached.
      return new Promise((resolve) => {
        resolve({
          stdout: "",
          stderr: "",
          exitCode: 0,
          through: "taro@10.0.0.2",
          ...behave(payload, options),
        });
      });
    },
  };
  const talk = (line: string): void => void outcome.talk.push(line);
  const onInstall = (): void => void (outcome.installs += 1);
  outcome.result = await applyThrough(host, REQUEST, { talk, onInstall }).catch(
    (error: unknown) => error as Error,
  );
  assert.equal(outcome.verbs.length, behaviours.length, outcome.verbs.join(", "));
  return outcome;
}

const applied = {
  node: "desktop",
  through: "taro@10.0.0.2",
  outcome: "applied",
  backend: "kernel",
  digest: DIGEST,
};
const pending: Behaviour = () => ({ stdout: "outcome pending\n" });
const confirmed: Behaviour = () => ({ stdout: "outcome confirmed\nbackend kernel\n" });
const broken: Behaviour = () => ({ exitCode: null });
const unreachable: Behaviour = () => {
  const failure = {
    kind: "timed-out" as const,
    cause: "timed out: 10.0.0.2 port 22 does not answer",
    remedy: "",
  };
  throw new UnreachableError("desktop: cannot be reached", [{ through: "taro@10.0.0.2", failure }]);
};
const prints =
  (text: string): Behaviour =>
  () => ({ stdout: text });
const refuses =
  (text: string): Behaviour =>
  () => ({ stderr: text, exitCode: 1 });

function messageOf({ result }: Outcome): string {
  assert.ok(result instanceof Error, JSON.stringify(result));
  return result.message;
}

describe("a push", function () {
  // It waits for a second between two attempts.
  this.timeout(10_000);

  it("needs one connection if the host is already in the requested state", async () => {
    const { result, verbs } = await pushTo(prints("outcome unchanged\nbackend userspace\n"));
    assert.deepEqual(result, { ...applied, outcome: "unchanged", backend: "userspace" });
    assert.deepEqual(verbs, ["apply"]);
  });

  it("confirms a change over a second connection with the same token", async () => {
    const tokens: unknown[] = [];
    const recordToken =
      (act: Behaviour): Behaviour =>
      (payload, options) => {
        tokens.push(payload.get("token"));
        return act(payload, options);
      };
    const { result, verbs } = await pushTo(recordToken(pending), recordToken(confirmed));
    assert.deepEqual(result, applied);
    assert.deepEqual(verbs, ["apply", "confirm"]);
    assert.deepEqual(tokens[0], tokens[1]);
    assert.match(String(tokens[0]), /^[0-9a-f]{32}$/);
  });

  it("sends all fields to the host, one per line", async () => {
    let sent = new Map<string, string[]>();
    await pushTo((payload) => {
      sent = payload;
      return { stdout: "outcome unchanged\nbackend kernel\n" };
    });
    const {
      config,
      script,
      token,
      sha256,
      "script-sha256": ofScript,
      ...rest
    } = Object.fromEntries([...sent].map(([key, values]) => [key, values.at(-1) ?? ""]));
    assert.equal(Buffer.from(config ?? "", "base64").toString(), REQUEST.config);
    assert.match(Buffer.from(script ?? "", "base64").toString(), /main\(\) \{[\s\S]*\n$/);
    assert.match(sha256 ?? "", /^[0-9a-f]{64}$/);
    assert.match(ofScript ?? "", /^[0-9a-f]{64}$/);
    assert.notEqual(token, "");
    assert.deepEqual(rest, {
      verb: "apply",
      interface: "wg0",
      owner: "wireguard-mesh/dev",
      node: "desktop",
      machine: "local:desktop",
      digest: DIGEST,
      timeout: "45",
      forwarding4: "1",
      forwarding6: "0",
      probes: "10.0.0.1 10.0.0.9",
      rivals: "",
      instances: "",
      end: "",
    });
  });

  it("fails with the host's error message if the host refuses it", async () => {
    const outcome = await pushTo(
      refuses("[#] noise\nerror: the disk is full\nremedy: df -h /etc\n"),
    );
    assert.equal(messageOf(outcome), "desktop: the disk is full\ndf -h /etc");
  });

  it("extends its time limit and logs it when the host installs packages", async () => {
    let limit: number | undefined;
    const installing: Behaviour = (_payload, { onTalk }) => {
      assert.equal(onTalk?.("some banner"), undefined);
      limit = onTalk?.("progress: installing wireguard-tools");
      return { stdout: "outcome unchanged\nbackend kernel\n" };
    };
    const { talk, installs } = await pushTo(installing);
    assert.deepEqual([limit, talk, installs], [300_000, ["installing wireguard-tools"], 1]);
  });

  it("logs the host's notes", async () => {
    const note = "note no handshake yet with K at 203.0.113.10:51820\n";
    const { talk } = await pushTo(pending, prints(`outcome confirmed\nbackend kernel\n${note}`));
    assert.deepEqual(talk, ["no handshake yet with K at 203.0.113.10:51820"]);
  });
});

describe("a push that was overtaken by another one", () => {
  const overtaken = prints("outcome overtaken\n");

  it("is sent again as a new push", async () => {
    const { result, verbs, talk } = await pushTo(overtaken, pending, confirmed);
    assert.deepEqual([result, verbs], [applied, ["apply", "apply", "confirm"]]);
    assert.deepEqual(talk, ["another push to this host came in between; sending it again"]);
  });

  it("fails when that happens each time", async () => {
    const outcome = await pushTo(overtaken, overtaken, overtaken);
    assert.match(messageOf(outcome), /^desktop: other pushes to this host came in between/);
  });
});

describe("a push to a host with a wrong clock", () => {
  const at = (seconds: number) =>
    pushTo(
      prints(`now ${Math.round(Date.now() / 1000) + seconds}\noutcome unchanged\nbackend kernel\n`),
    );

  it("succeeds and warns about the difference and its effect on handshakes", async () => {
    const { result, talk } = await at(-7200);
    assert.deepEqual(result, { ...applied, outcome: "unchanged" });
    assert.match(talk.join(), /^its clock is 2 h behind this machine's\. WireGuard refuses/);
    assert.match((await at(90)).talk.join(), /^its clock is 90 s ahead of/);
  });

  it("does not warn about less than a minute", async () => {
    assert.deepEqual((await at(-50)).talk, []);
  });
});

describe("a push whose connection breaks after everything was sent", () => {
  it("confirms if the host has started the change", async () => {
    let token = "";
    const takesToken: Behaviour = (payload) => {
      token = payload.get("token")?.at(-1) ?? "";
      return { exitCode: null };
    };
    const begun: Behaviour = () => ({ stdout: `pending ${token}\ninterface up\n` });
    const { result, verbs } = await pushTo(takesToken, begun, confirmed);
    assert.deepEqual([result, verbs], [applied, ["apply", "facts", "confirm"]]);
  });

  it("succeeds if the host is in the requested state", async () => {
    const { result } = await pushTo(broken, prints(DONE));
    assert.deepEqual(result, applied);
  });

  it("fails if the host has the digest of the requested state but the interface is missing", async () => {
    const outcome = await pushTo(broken, prints(DONE.replace("interface up", "interface missing")));
    assert.match(messageOf(outcome), /^desktop: the connection broke before the host had taken/);
  });

  it("fails and can be repeated if the host has not started the change", async () => {
    const outcome = await pushTo(broken, prints("digest other\nbackend kernel\n"));
    assert.match(messageOf(outcome), /^desktop: the connection broke before the host had taken/);
    assert.match(messageOf(outcome), /npx wireguard-mesh up.*it is safe/);
  });
});

describe("a push whose first confirmation fails", function () {
  this.timeout(10_000);

  it("retries while the host is unreachable, and logs it once", async () => {
    const { result, talk } = await pushTo(pending, unreachable, broken, unreachable, confirmed);
    assert.deepEqual(result, applied);
    assert.deepEqual(talk, ["no way in through the new config yet; trying on"]);
  });

  it("succeeds if an earlier confirmation arrived but its reply did not", async () => {
    const late = refuses("error: not pending\nremedy: up\n");
    const { result } = await pushTo(pending, broken, late, prints(DONE));
    assert.deepEqual(result, applied);
  });

  it("reports that the config cut the connection if the host has rolled back", async () => {
    let token = "";
    const takesToken: Behaviour = (payload) => {
      token = payload.get("token")?.at(-1) ?? "";
      return { stdout: "outcome pending\n" };
    };
    const rolledBack: Behaviour = () => ({ stdout: `digest former\nrolled-back ${token}\n` });
    const outcome = await pushTo(
      takesToken,
      unreachable,
      refuses("error: gone\nremedy: up\n"),
      rolledBack,
    );
    const message = messageOf(outcome);
    assert.match(message, /^desktop: the new config cut the way in, so the host went back/);
    assert.match(message, /taro@10\.0\.0\.2: timed out/);
    assert.match(message, /The next `npx wireguard-mesh up` tries again/);
  });

  it("fails with the host's error message if the change failed", async () => {
    const failed = refuses("error: the change failed on the host and was undone\nremedy: look\n");
    const outcome = await pushTo(pending, failed, prints("digest former\n"));
    assert.equal(messageOf(outcome), "desktop: the change failed on the host and was undone\nlook");
  });
});
