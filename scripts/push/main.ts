/**
 * The push program: applies a state to one host, or removes it. The command provider starts it as
 * `node dist/scripts/push/main.js adopt|apply|remove`, with a PushRequest (mesh/push-request.ts) as JSON on stdin. It prints one
 * line of JSON to stdout, and messages to stderr; if it fails, the last one is the user's error message.
 */
import type { PushRequest, PushResult, SshHop } from "../../mesh/push-request";
import { adopt } from "./adopt";
import { apply } from "./apply";
import { FailureLimit } from "./failure-limit";
import { followParent } from "./lifeline";
import { ADOPT_MS, INSTALL_MS, PUSH_MS, REMOVE_MS } from "./limits";
import { withPushLock } from "./lock";
import { PushError, messageOf } from "./push-error";
import { redactor } from "./redact";
import { leftOn, removeFromHost } from "./remove";

let onFailure = (): void => undefined;

async function main(): Promise<void> {
  // The reader may be killed at any time.
  process.stdout.on("error", () => process.exit(1));
  process.stderr.on("error", () => process.exit(1));
  const verb = process.argv[2];
  if (verb !== "adopt" && verb !== "apply" && verb !== "remove") {
    fail(
      "usage: main.js adopt|apply|remove, with a push request as JSON on stdin. `npx wireguard-mesh up` runs it for you.",
    );
    return;
  }
  let clean = (text: string): string => text;
  try {
    const request = parseRequest(await readStdin());
    const failures = FailureLimit.of(process.env);
    failures?.check(request.node);
    onFailure = () => failures?.count(request.node);
    clean = redactor(request);
    followParent(request.node);
    const onMessage = (line: string): void =>
      void process.stderr.write(clean(`${request.node}: ${line}\n`));
    const result = await (verb === "remove"
      ? runRemove(request)
      : runPush(verb, request, onMessage));
    process.stdout.write(`${clean(JSON.stringify(result))}\n`, () => process.exit(0));
  } catch (problem) {
    const bug =
      problem instanceof PushError ? "" : "This is a bug in wireguard-mesh, please report it: ";
    fail(clean(bug + messageOf(problem)));
  }
}

function runPush(
  verb: "adopt" | "apply",
  request: PushRequest,
  onMessage: (line: string) => void,
): Promise<PushResult> {
  const limitMs = PUSH_MS + (verb === "adopt" ? ADOPT_MS : 0);
  const bound = startBound(limitMs, () => {
    fail(
      `${request.node}: the push did not end in time and was given up. The host undoes an unconfirmed change by itself. ` +
        "Run `npx wireguard-mesh up` again.",
    );
  });
  return withPushLock(
    request,
    () => {
      const onInstall = (): void => {
        bound.restart(PUSH_MS + INSTALL_MS);
      };
      return verb === "adopt"
        ? adopt(request, { onMessage, onInstall })
        : apply(request, { onMessage, onInstall });
    },
    {
      onWait: () => {
        onMessage("waits for another push to this host on this machine");
      },
    },
  );
}

/** Best effort: problems are reported, and the resource is removed from the state anyway. */
async function runRemove(request: PushRequest) {
  const late = new Promise<never>((_, reject) => {
    startBound(REMOVE_MS, () => {
      reject(
        new PushError(
          `${request.node}: its clean-up took longer than ${REMOVE_MS / 1000} s and was given up.`,
        ),
      );
    });
  });
  const work = withPushLock(request, () => removeFromHost(request), { waitMs: 5000 });
  const result = await Promise.race([work, late]).catch((problem: unknown) => {
    if (problem instanceof PushError) return leftOn(request, problem.message);
    throw problem;
  });
  if (result.note !== null) process.stderr.write(redactor(request)(`${result.note}\n`));
  return result;
}

/** Calls `onLate` once, `ms` after the start or the last restart. */
function startBound(ms: number, onLate: () => void): { restart: (ms: number) => void } {
  let timer = setTimeout(onLate, ms);
  return {
    restart: (longer) => {
      clearTimeout(timer);
      timer = setTimeout(onLate, longer);
    },
  };
}

/** Exits at once, which also ends what still runs. */
function fail(words: string): void {
  onFailure();
  process.stderr.write(`${words}\n`, () => process.exit(1));
}

async function readStdin(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("utf8");
}

/** Checks only the version: wireguard-mesh made the request. JSON errors are hidden, because they quote text with secrets. */
function parseRequest(text: string): PushRequest {
  let request: Partial<PushRequest> | null;
  try {
    request = JSON.parse(text) as Partial<PushRequest> | null;
  } catch {
    throw new PushError(
      "the push request on stdin is no JSON. `npx wireguard-mesh up` gives the right one.",
    );
  }
  if (request?.version !== 1) {
    throw new PushError(
      `${request?.node ?? "push"}: the program and its compiled parts are of different versions. Run: npm ci`,
    );
  }
  return withLaterFields(request as PushRequest);
}

/** A removal uses the request that is stored in the state, which may be of an earlier version. */
function withLaterFields(request: Earlier<PushRequest>): PushRequest {
  const hop = (one: Earlier<SshHop>): SshHop => ({ ...one, authority: one.authority ?? null });
  const targets = request.targets.map((target) =>
    target.kind === "local"
      ? target
      : { ...target, hop: hop(target.hop), via: target.via.map(hop) },
  );
  return { ...request, targets, identity: request.identity ?? null };
}

type LaterField = "identity" | "authority";
type Earlier<T> = Omit<T, LaterField> & Partial<Pick<T, LaterField & keyof T>>;

void main();
