/** What a push makes of a host's answers, of silence, and of a connection that breaks: against a host with a script. */
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

/** The facts of a host that is as it should be. */
const FILE = createHash("sha256").update(REQUEST.config).digest("hex");
const DONE = `digest ${DIGEST}\nbackend kernel\nfile ${FILE}\ninterface up\n`;

/** What the host does with one connection; it may look at the payload and talk meanwhile. */
type Act = (payload: Map<string, string[]>, options: RunOptions) => Partial<HostRun>;

interface Played {
  result: PushResult | Error;
  /** The verbs of the connections, in order. */
  verbs: string[];
  talk: string[];
  installs: number;
}

/** Plays a push against acts, one for each connection, and fails when there are more or fewer connections. */
async function play(...acts: Act[]): Promise<Played> {
  const played: Played = { result: new Error("not begun"), verbs: [], talk: [], installs: 0 };
  const host: Host = {
    run: (script, options) => {
      const payload = parseAnswer(script.slice(script.lastIndexOf("\nverb ")));
      played.verbs.push(payload.get("verb")?.at(-1) ?? "");
      const act = acts[played.verbs.length - 1];
      assert.ok(act, `one connection too many: ${played.verbs.join(", ")}`);
      // An act may throw, which is how a way that leads nowhere shows.
      return new Promise((resolve) => {
        resolve({
          stdout: "",
          stderr: "",
          exitCode: 0,
          through: "taro@10.0.0.2",
          ...act(payload, options),
        });
      });
    },
  };
  const talk = (line: string): void => void played.talk.push(line);
  const onInstall = (): void => void (played.installs += 1);
  played.result = await applyThrough(host, REQUEST, { talk, onInstall }).catch(
    (problem: unknown) => problem as Error,
  );
  assert.equal(played.verbs.length, acts.length, played.verbs.join(", "));
  return played;
}

const applied = {
  node: "desktop",
  through: "taro@10.0.0.2",
  outcome: "applied",
  backend: "kernel",
  digest: DIGEST,
};
const pending: Act = () => ({ stdout: "outcome pending\n" });
const confirmed: Act = () => ({ stdout: "outcome confirmed\nbackend kernel\n" });
const broken: Act = () => ({ exitCode: null });
const noWay: Act = () => {
  const failure = {
    kind: "timed-out" as const,
    cause: "timed out: 10.0.0.2 port 22 does not answer",
    remedy: "",
  };
  throw new UnreachableError("desktop: cannot be reached", [{ through: "taro@10.0.0.2", failure }]);
};
const says =
  (text: string): Act =>
  () => ({ stdout: text });
const refuses =
  (text: string): Act =>
  () => ({ stderr: text, exitCode: 1 });

function messageOf({ result }: Played): string {
  assert.ok(result instanceof Error, JSON.stringify(result));
  return result.message;
}

describe("a push", function () {
  // Between two tries it waits for a second.
  this.timeout(10_000);

  it("to a host that is as it should be is done with one connection", async () => {
    const { result, verbs } = await play(says("outcome unchanged\nbackend userspace\n"));
    assert.deepEqual(result, { ...applied, outcome: "unchanged", backend: "userspace" });
    assert.deepEqual(verbs, ["apply"]);
  });

  it("that changes something is confirmed by a second connection with the same token", async () => {
    const tokens: unknown[] = [];
    const noting =
      (act: Act): Act =>
      (payload, options) => {
        tokens.push(payload.get("token"));
        return act(payload, options);
      };
    const { result, verbs } = await play(noting(pending), noting(confirmed));
    assert.deepEqual(result, applied);
    assert.deepEqual(verbs, ["apply", "confirm"]);
    assert.deepEqual(tokens[0], tokens[1]);
    assert.match(String(tokens[0]), /^[0-9a-f]{32}$/);
  });

  it("tells the host everything that it needs, on lines of their own", async () => {
    let told = new Map<string, string[]>();
    await play((payload) => {
      told = payload;
      return { stdout: "outcome unchanged\nbackend kernel\n" };
    });
    const {
      config,
      script,
      token,
      sha256,
      "script-sha256": ofScript,
      ...rest
    } = Object.fromEntries([...told].map(([key, values]) => [key, values.at(-1) ?? ""]));
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

  it("that the host refuses fails with the host's words", async () => {
    const played = await play(refuses("[#] noise\nerror: the disk is full\nremedy: df -h /etc\n"));
    assert.equal(messageOf(played), "desktop: the disk is full\ndf -h /etc");
  });

  it("gets more time, and says so, when the host installs packages", async () => {
    let limit: number | undefined;
    const installing: Act = (_payload, { onTalk }) => {
      assert.equal(onTalk?.("some banner"), undefined);
      limit = onTalk?.("progress: installing wireguard-tools");
      return { stdout: "outcome unchanged\nbackend kernel\n" };
    };
    const { talk, installs } = await play(installing);
    assert.deepEqual([limit, talk, installs], [300_000, ["installing wireguard-tools"], 1]);
  });

  it("passes on what the host wants people to know", async () => {
    const note = "note no handshake yet with K at 203.0.113.10:51820\n";
    const { talk } = await play(pending, says(`outcome confirmed\nbackend kernel\n${note}`));
    assert.deepEqual(talk, ["no handshake yet with K at 203.0.113.10:51820"]);
  });
});

describe("a push that another one overtook", () => {
  const overtaken = says("outcome overtaken\n");

  it("is sent again, as a push of its own", async () => {
    const { result, verbs, talk } = await play(overtaken, pending, confirmed);
    assert.deepEqual([result, verbs], [applied, ["apply", "apply", "confirm"]]);
    assert.deepEqual(talk, ["another push to this host came in between; sending it again"]);
  });

  it("fails when that happens each time", async () => {
    const played = await play(overtaken, overtaken, overtaken);
    assert.match(messageOf(played), /^desktop: other pushes to this host came in between/);
  });
});

describe("a push to a host with another time", () => {
  const at = (seconds: number) =>
    play(
      says(`now ${Math.round(Date.now() / 1000) + seconds}\noutcome unchanged\nbackend kernel\n`),
    );

  it("is done, and says by how much and what that does to handshakes", async () => {
    const { result, talk } = await at(-7200);
    assert.deepEqual(result, { ...applied, outcome: "unchanged" });
    assert.match(talk.join(), /^its clock is 2 h behind this machine's\. WireGuard refuses/);
    assert.match((await at(90)).talk.join(), /^its clock is 90 s ahead of/);
  });

  it("says nothing of less than a minute", async () => {
    assert.deepEqual((await at(-50)).talk, []);
  });
});

describe("a push whose connection breaks after all was sent", () => {
  it("goes on to confirm when the host has begun", async () => {
    let token = "";
    const takesToken: Act = (payload) => {
      token = payload.get("token")?.at(-1) ?? "";
      return { exitCode: null };
    };
    const begun: Act = () => ({ stdout: `pending ${token}\ninterface up\n` });
    const { result, verbs } = await play(takesToken, begun, confirmed);
    assert.deepEqual([result, verbs], [applied, ["apply", "facts", "confirm"]]);
  });

  it("is done when the host is as it should be", async () => {
    const { result } = await play(broken, says(DONE));
    assert.deepEqual(result, applied);
  });

  it("is not done when the host was as it should be once, but is no more", async () => {
    const played = await play(broken, says(DONE.replace("interface up", "interface missing")));
    assert.match(messageOf(played), /^desktop: the connection broke before the host had taken/);
  });

  it("fails and may be repeated when the host knows nothing of it", async () => {
    const played = await play(broken, says("digest other\nbackend kernel\n"));
    assert.match(messageOf(played), /^desktop: the connection broke before the host had taken/);
    assert.match(messageOf(played), /npx wireguard-mesh up.*it is safe/);
  });
});

describe("a push that is not confirmed at once", function () {
  this.timeout(10_000);

  it("tries on while there is no way in, and says so once", async () => {
    const { result, talk } = await play(pending, noWay, broken, noWay, confirmed);
    assert.deepEqual(result, applied);
    assert.deepEqual(talk, ["no way in through the new config yet; trying on"]);
  });

  it("is done when an earlier confirmation arrived though its answer did not", async () => {
    const late = refuses("error: not pending\nremedy: up\n");
    const { result } = await play(pending, broken, late, says(DONE));
    assert.deepEqual(result, applied);
  });

  it("says that the config cut the way in, when the host has gone back meanwhile", async () => {
    let token = "";
    const takesToken: Act = (payload) => {
      token = payload.get("token")?.at(-1) ?? "";
      return { stdout: "outcome pending\n" };
    };
    const wentBack: Act = () => ({ stdout: `digest former\nrolled-back ${token}\n` });
    const played = await play(takesToken, noWay, refuses("error: gone\nremedy: up\n"), wentBack);
    const words = messageOf(played);
    assert.match(words, /^desktop: the new config cut the way in, so the host went back/);
    assert.match(words, /taro@10\.0\.0\.2: timed out/);
    assert.match(words, /The next `npx wireguard-mesh up` tries again/);
  });

  it("fails with the host's words when the change failed there", async () => {
    const failed = refuses("error: the change failed on the host and was undone\nremedy: look\n");
    const played = await play(pending, failed, says("digest former\n"));
    assert.equal(messageOf(played), "desktop: the change failed on the host and was undone\nlook");
  });
});
