/** Brings one host to a state: sends it, and makes it permanent by a new connection through that very state. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ON_THIS_HOST, type PushRequest, type PushResult } from "../../mesh/push-request";
import { clockNote } from "./clock";
import { withHost, type Host, type HostRun } from "./connect";
import { askFacts, factsOf, type Facts } from "./facts";
import { composeMessage, hostScript, parseAnswer, parseComplaint } from "./host-script";
import * as limits from "./limits";
import { AGAIN, REPORT, unverified, wentBack } from "./apply-words";
import { PushError, UnreachableError } from "./push-error";
import { base64, digestOf, sha256, stateLines } from "./wanted-state";

/**
 * `talk` gets what people may want to read meanwhile, a line at a time; `onInstall` is told once when the host installs
 * packages, which may take INSTALL_MS longer.
 * @throws PushError; then the host is as it was, or undoes the change by itself, and the message says which.
 */
export function apply(
  request: PushRequest,
  talk: (line: string) => void,
  onInstall: () => void = () => undefined,
): Promise<PushResult> {
  return withHost(request, (host) => applyThrough(host, request, { talk, onInstall }));
}

/** The same through a host at hand. */
export async function applyThrough(
  host: Host,
  request: PushRequest,
  { talk, onInstall }: { talk: (line: string) => void; onInstall: () => void },
): Promise<PushResult> {
  const digest = digestOf(request);
  for (let sending = 1; sending <= SENDINGS; sending++) {
    const push: Push = { request, token: randomBytes(16).toString("hex"), digest, talk };
    const result = await sendOnce(push, host, onInstall);
    if (result !== "overtaken") return result;
    talk("another push to this host came in between; sending it again");
  }
  throw new PushError(
    `${request.node}: other pushes to this host came in between each time, and this one was not taken.\n` +
      `Who else changes it? When they are done, ${AGAIN}`,
  );
}

/** An orphan's push is not sent again, for it has no program that could do so: that is what tells it from a live one. */
const SENDINGS = 3;

async function sendOnce(
  push: Push,
  host: Host,
  onInstall: () => void,
): Promise<PushResult | "overtaken"> {
  const sent = await send(push, host, onInstall).catch((problem: unknown) => {
    throw problem instanceof UnreachableError
      ? new PushError(`${problem.message}\nThen ${AGAIN}`)
      : problem;
  });
  if (sent.exitCode === null) return findOut(push, host);
  if (sent.exitCode !== 0) throw complaint(push, sent);
  const answer = parseAnswer(sent.stdout);
  for (const note of answer.get("note") ?? []) push.talk(note);
  const skew = clockNote(Number(answer.get("now")?.at(-1)), Date.now() / 1000);
  if (skew !== null) push.talk(skew);
  switch (answer.get("outcome")?.at(-1) ?? "") {
    case "overtaken":
      return "overtaken";
    case "unchanged":
      return resultOf(push, sent, "unchanged");
    case "pending":
      return settle(push, host, Date.now());
    default:
      throw new PushError(
        `${push.request.node}: the host gave no answer that can be understood.\n${REPORT}`,
      );
  }
}

interface Push {
  request: PushRequest;
  token: string;
  digest: string;
  talk: (line: string) => void;
}

/** The first connection: the host checks everything and begins only when this connection has ended. */
function send(push: Push, host: Host, onInstall: () => void): Promise<HostRun> {
  const { request } = push;
  const script = `${hostScript()}\n`;
  const message = composeMessage("apply", request, {
    token: push.token,
    digest: push.digest,
    timeout: limits.UNDO_AFTER_S,
    rivals: (request.rivals ?? []).join(" "),
    ...stateLines(request),
    "script-sha256": sha256(script),
    script: base64(script),
  });
  const onTalk = (line: string): number | undefined => {
    if (!line.startsWith("progress: ")) return undefined;
    push.talk(line.slice("progress: ".length));
    onInstall();
    return limits.INSTALL_MS;
  };
  return host.run(message, { limitMs: limits.APPLY_MS, onTalk, onBooting: push.talk });
}

/** The connection broke after everything was sent: the host alone knows what became of it. */
async function findOut(push: Push, host: Host): Promise<PushResult> {
  push.talk("the connection broke; asking the host what became of the change");
  const { node } = push.request;
  const since = Date.now();
  const asked = await again(since + limits.FIND_OUT_MS, () => askFacts(host, push.request));
  if (asked === null) {
    throw new PushError(
      `${node}: the connection broke while the change was sent, and there is no way back in. ` +
        `If the host had begun, it undoes the change by itself within ${limits.UNDO_AFTER_S} s.\nThen ${AGAIN}`,
    );
  }
  const facts = factsOf(asked, node);
  if (facts.pending === push.token) return settle(push, host, since);
  if (isDone(push, facts)) return resultFromFacts(push, facts, asked.through);
  throw new PushError(
    `${node}: the connection broke before the host had taken the change; nothing was changed there.\nTo try again, ${AGAIN}`,
  );
}

/**
 * The host has begun and counts down. Confirms by new connections, in the order in which the operator will come next time,
 * until the host answers or must have gone back.
 */
async function settle(push: Push, host: Host, since: number): Promise<PushResult> {
  const { node } = push.request;
  const lost: UnreachableError[] = [];
  const message = composeMessage("confirm", push.request, { token: push.token });
  const run = await again(
    since + limits.SETTLE_MS,
    () => host.run(message, { limitMs: limits.CONFIRM_MS, answersProof: true }),
    (problem) => {
      if (lost.length === 0) push.talk("no way in through the new config yet; trying on");
      lost.push(problem);
    },
  );
  if (run === null) throw new PushError(unverified(node, lost.at(-1)));
  if (run.exitCode !== 0) return judgeRefusal(push, host, run, { since, lost: lost.at(-1) });
  for (const note of parseAnswer(run.stdout).get("note") ?? []) push.talk(note);
  return resultOf(push, run, "applied");
}

/** The host would not confirm: it has gone back, or the change failed there, or it was confirmed before. */
async function judgeRefusal(
  push: Push,
  host: Host,
  refused: HostRun,
  { since, lost }: { since: number; lost: UnreachableError | undefined },
): Promise<PushResult> {
  const asked = await askFacts(host, push.request).catch(() => null);
  if (asked?.exitCode !== 0) throw complaint(push, refused);
  const facts = factsOf(asked, push.request.node);
  // An earlier confirmation may have arrived though its answer did not.
  if (isDone(push, facts)) return resultFromFacts(push, facts, asked.through);
  if (lost !== undefined && facts.rolledBack === push.token) {
    const seconds = Math.round((Date.now() - since) / 1000);
    throw new PushError(wentBack(push.request.node, lost, seconds));
  }
  throw complaint(push, refused);
}

/**
 * Asks until the host has answered to the end. Null when it has not by then: no way in, or each connection broke.
 */
async function again(
  deadline: number,
  ask: () => Promise<HostRun>,
  onLost: (problem: UnreachableError) => void = () => undefined,
): Promise<HostRun | null> {
  while (Date.now() < deadline) {
    try {
      const run = await ask();
      if (run.exitCode !== null) return run;
    } catch (problem) {
      if (!(problem instanceof UnreachableError)) throw problem;
      onLost(problem);
    }
    await sleep(limits.RETRY_MS);
  }
  return null;
}

/** Confirmed, and not only in former times: the file and the interface are looked at too. */
function isDone({ request, digest }: Push, facts: Facts): boolean {
  const confirmed = facts.digest === digest && facts.pending === null;
  // A host that fills in its own private key has another file than was sent.
  const sent = request.config.includes(ON_THIS_HOST) ? facts.confirmedFile : sha256(request.config);
  return confirmed && facts.file === sent && facts.interface === "up";
}

function resultOf(push: Push, run: HostRun, outcome: PushResult["outcome"]): PushResult {
  const backend = parseAnswer(run.stdout).get("backend")?.at(-1);
  if (backend !== "kernel" && backend !== "userspace") {
    throw new PushError(
      `${push.request.node}: the host did not say what carries its tunnel.\n${REPORT}`,
    );
  }
  return { node: push.request.node, through: run.through, outcome, backend, digest: push.digest };
}

function resultFromFacts(push: Push, facts: Facts, through: string): PushResult {
  const backend = facts.backend ?? "kernel";
  return { node: push.request.node, through, outcome: "applied", backend, digest: push.digest };
}

function complaint(push: Push, run: HostRun): PushError {
  const last = run.stderr.trim().split("\n").at(-1) ?? "";
  const words =
    parseComplaint(run.stderr) ??
    `the host's script ended with ${run.exitCode ?? "no"} code: ${last}\n${REPORT}`;
  return new PushError(`${push.request.node}: ${words}`);
}
