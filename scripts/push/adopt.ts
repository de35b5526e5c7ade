/**
 * The first push to an EC2 instance of the stack: waits until it has booted, and replaces the SSH host key of its user data by
 * one with a certificate of the stack's SSH authority.
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

/** @throws PushError; it is safe to run again. */
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
 * The relay's Elastic IP moves to the instance only after this push. If the instance answers there already, this push is a
 * repetition, and the instance's first address is gone.
 */
async function firstWay(
  request: PushRequest,
  { firstAddress }: HostIdentity,
  { onMessage }: Listeners,
): Promise<PushRequest> {
  if (firstAddress === "") {
    // Made by an older version and replaced by `--replace` in the user's subnet: it inherits the former settings.
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

/** Whether a login works with the instance's certificate. */
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
  /** The host, verified by its certificate. */
  vouched: Host;
  /** The host, verified by the key of its user data. */
  booted: Host;
}

/** How often an instance may accept a certificate and then not use it. */
const ROUNDS = 3;

/** Repeats until a login by certificate works and the instance has deleted its other host keys. */
async function settle(adoption: Adoption): Promise<void> {
  for (let round = 0; round < ROUNDS;) {
    // A login by certificate proves the identity; then the other host keys are deleted.
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

/** Has the instance make a host key, and signs it. False if the connection was lost, which is harmless. */
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
 * Runs one step on the host. Null: try again (it has waited). A Failure: the host key was refused, and nothing was sent.
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
    await sleep(wait.retryAfter({ kind: "dropped", cause: "the connection broke", remedy: "" }));
    return null;
  } catch (problem) {
    const failure = failureIn(problem);
    if (failure === null) throw problem;
    if (failure.kind === "host-key") return failure;
    await sleep(wait.retryAfter(failure, problem));
    return null;
  }
}

function failureIn(problem: unknown): Failure | null {
  if (problem instanceof RefusedError) return problem.failure;
  return problem instanceof UnreachableError ? (problem.ways[0]?.failure ?? null) : null;
}

/** The same ways, with the host key of the user data pinned. */
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

/** Not worth a retry: it is not the instance that was created. */
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
