/**
 * The first push to an instance of our own: waits until it has booted, and gives it an SSH identity that lasts. From then
 * on the stack's authority alone says who it is, and the key that its user data brought is trusted no more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { HostIdentity, PushRequest, PushResult, SshAuthority } from "../../mesh/push-request";
import { applyThrough } from "./apply";
import { BootWait } from "./boot-wait";
import type { Listeners } from "./push";
import { withHost, type Host, type HostRun } from "./connect";
import { complaint, linesWith, newToken } from "./conversation";
import { hostCall, type Verb } from "./host-program";
import { BOOT_REACH_MS, IDENTITY_MS } from "./limits";
import { PushError, RefusedError, UnreachableError } from "./push-error";
import { signHostKey } from "./sign-host-key";
import type { Failure } from "./ssh-failure";

/** @throws PushError; then it can be repeated, whatever was done until then. */
export async function adopt(request: PushRequest, listeners: Listeners): Promise<PushResult> {
  const { identity } = request;
  const authority = authorityIn(request);
  if (identity === null || authority === null) {
    throw new PushError(
      `${request.node}: is no instance of the stack's own. This is a bug in wireguard-mesh: please report it.`,
    );
  }
  const first = await firstWay(request, identity, listeners);
  const wait = new BootWait(first, listeners.onMessage);
  const adoption = { request: first, identity, authority, wait };
  return withHost(first, async (vouched) => {
    await withHost(asBooted(first, identity), (booted) =>
      settle({ ...adoption, vouched, booted, onMessage: listeners.onMessage }),
    );
    return applyThrough(vouched, first, listeners, { isQuiet: first !== request });
  });
}

/**
 * The relay's address leads to the instance, or away from its predecessor, only once this push has succeeded. So it is tried
 * first: then this is a repetition, and the address of the first push is gone.
 */
async function firstWay(
  request: PushRequest,
  { firstAddress }: HostIdentity,
  { onMessage }: Listeners,
): Promise<PushRequest> {
  if (firstAddress === "") {
    // An older version's, replaced by `--replace` in a subnet of the user's: it gets what the one before had.
    onMessage(
      `the instance has no public address of its own, so this push needs the relay's. If that leads to another instance, ` +
        `raise relays.${request.node}.ec2.imageGeneration and run up again: the next instance has one`,
    );
  }
  if (firstAddress === undefined || firstAddress === "" || (await answers(request))) return request;
  const targets = request.targets.map((target) =>
    target.kind === "local" ? target : { ...target, hop: { ...target.hop, address: firstAddress } },
  );
  return { ...request, targets };
}

/** Whether the instance can be logged in to, with its certificate. */
async function answers(request: PushRequest): Promise<boolean> {
  const options = { limitMs: IDENTITY_MS, reachMs: BOOT_REACH_MS };
  try {
    const { exitCode } = await withHost(request, (host) => host.run("exit 0\n", options));
    return exitCode === 0;
  } catch (problem) {
    if (problem instanceof PushError) return false;
    throw problem;
  }
}

interface Adoption {
  request: PushRequest;
  identity: HostIdentity;
  authority: SshAuthority;
  wait: BootWait;
  onMessage: (line: string) => void;
  /** The machine as the authority vouches for it. */
  vouched: Host;
  /** The machine as its user data made it. */
  booted: Host;
}

/** How often a machine may take a certificate and not show it. */
const ROUNDS = 3;

/** Until the machine has proved itself by its certificate, and has dropped every other key. */
async function settle(adoption: Adoption): Promise<void> {
  for (let round = 0; round < ROUNDS;) {
    // That it answers is the proof; what it is told then is to forget the key it booted with.
    const last = await reach(adoption.vouched, adoption, "identity");
    if (last === null) continue;
    if ("kind" in last) {
      round += (await introduce(adoption, last)) ? 1 : 0;
      continue;
    }
    return;
  }
  throw new PushError(
    `${adoption.request.node}: took its host certificate and does not show it. Look on its console at: journalctl -u ssh -u sshd`,
  );
}

/** First contact: the machine makes a key, and gets it signed. False when the connection was lost; that is no harm. */
async function introduce(adoption: Adoption, unproven: Failure): Promise<boolean> {
  const { request, identity, authority, booted, onMessage } = adoption;
  const made = await reach(booted, adoption, "host-key", [request.node]);
  if (made === null) return false;
  if ("kind" in made) throw neither(request.node, unproven, made);
  const hostKey = linesWith("host-key", made.stdout).at(-1) ?? "";
  linesWith("note", made.stdout).forEach(onMessage);
  const { node, owner } = request;
  const { authorityKey } = identity;
  const label = `${owner} ${node}`;
  const certificate = await signHostKey({ node, label, authority, authorityKey, hostKey });
  onMessage("shows the host key of its user data; gets a certificate of the stack's SSH authority");
  const taken = await reach(booted, adoption, "certificate", certificate.split(" "));
  return taken !== null;
}

/**
 * One step on the host. Null when it has to be tried again, after a pause; a Failure when the machine does not prove who
 * it is, and nothing was sent.
 */
async function reach(
  host: Host,
  { request, wait, onMessage }: Adoption,
  verb: Verb,
  words: readonly string[] = [],
): Promise<HostRun | Failure | null> {
  const onStderr = (line: string): number | undefined => {
    if (!line.startsWith("progress: ")) return undefined;
    onMessage(line.slice("progress: ".length));
    return wait.left() + IDENTITY_MS;
  };
  try {
    const options = { limitMs: IDENTITY_MS, reachMs: BOOT_REACH_MS, onStderr, onSlow: onMessage };
    const run = await host.run(hostCall(verb, request.interface, newToken(), words), options);
    if (run.exitCode === 0) return run;
    if (run.exitCode !== null) throw complaint(request.node, run) ?? unexplained(request.node, run);
    await sleep(wait.over({ kind: "dropped", cause: "the connection broke", remedy: "" }));
    return null;
  } catch (problem) {
    const failure = failureIn(problem);
    if (failure === null) throw problem;
    if (failure.kind === "host-key") return failure;
    await sleep(wait.over(failure, problem));
    return null;
  }
}

function failureIn(problem: unknown): Failure | null {
  if (problem instanceof RefusedError) return problem.failure;
  return problem instanceof UnreachableError ? (problem.ways[0]?.failure ?? null) : null;
}

/** The same ways, to a machine that shows the key of its user data. */
function asBooted(request: PushRequest, { bootstrapHostKey }: HostIdentity): PushRequest {
  const targets = request.targets.map((target) =>
    target.kind === "local"
      ? target
      : { ...target, hop: { ...target.hop, hostKeys: [bootstrapHostKey], authority: null } },
  );
  return { ...request, targets };
}

function authorityIn({ targets }: PushRequest): SshAuthority | null {
  const ssh = targets.flatMap((target) => (target.kind === "ssh" ? [target.hop] : []));
  return ssh[0]?.authority ?? null;
}

/** Final: whoever it is, it is not the instance that was made, or no longer. */
function neither(node: string, unproven: Failure, other: Failure): PushError {
  const lines = [
    `${node}: another machine answers than the instance that was made; nothing was sent to it.`,
    `  ${unproven.cause}`,
    `  ${other.cause}`,
    unproven.remedy,
  ];
  return new PushError(lines.join("\n"));
}

function unexplained(node: string, run: HostRun): PushError {
  const last = run.stderr.trim().split("\n").at(-1) ?? "";
  return new PushError(`${node}: the host's program ended with code ${run.exitCode}: ${last}`);
}
