/** One attempt to log in to a host as root, over one way. */
import * as fs from "node:fs";
import type { HostTarget, SshHop } from "../../mesh/push-request";
import { startGroup } from "./children";
import { plainEnvironment, sshEnvironment } from "./environment";
import { localCommand, remoteCommand } from "./greeting";
import type { SshWorkspace } from "./ssh-workspace";
import { logIn, type Login, type FailedLogin } from "./login";
import { withShownCertificate } from "./shown-certificate";
import { RootShell } from "./session";
import { explainFailure, type Failure } from "./ssh-failure";
import { formatHop, sshCommand, writeFiles, type SshPlace } from "./ssh-options";
import { readLog, readSshLog } from "./ssh-log";

export interface LoginAttempt {
  /** The node's name in stack config. */
  node: string;
  target: HostTarget;
  /** A short unique name of the way. */
  way: string;
  /** The shell command that reports the root shell as ready (greeting.ts). */
  greeting: string;
  /** As in Login. */
  limitMs: number;
  longestMs: number;
  /** As in SshPlace. */
  connectSeconds: number;
  isIPv4Only: boolean;
  userOptions: (string[] | null)[];
  /** As in Login. */
  onJumped: () => void;
  /** As in Login. */
  onSlow: (words: string) => void;
}

export type AttemptResult =
  | { kind: "failed"; failure: Failure }
  /** `onlyIPv4Answers`: the IPv6 addresses of the first machine failed, and an IPv4 address worked. */
  | { kind: "logged-in"; shell: RootShell; onlyIPv4Answers: boolean };

/** As in PushResult.through. */
export function formatWay(target: HostTarget): string {
  if (target.kind === "local") return "local";
  return [target.hop, ...target.via].map(formatHop).join(" via ");
}

/** `workspace` is null if this machine is the host. Never throws for failures of the host or the network. */
export async function attempt(
  one: LoginAttempt,
  workspace: SshWorkspace | null,
): Promise<AttemptResult> {
  if (one.target.kind === "local" || workspace === null) return attemptHere(one);
  const chain = [...one.target.via, one.target.hop];
  const place: SshPlace = { ...workspace, ...one };
  const ssh = sshCommand(chain, place);
  writeFiles(ssh);
  // Logs of an earlier attempt.
  for (const file of ssh.logs) fs.rmSync(file, { force: true });
  const remote = remoteCommand(one.target.hop.user, one.greeting);
  const child = startGroup(["ssh", ...ssh.args, remote], sshEnvironment(), workspace.watcher);
  const end = await logIn({ ...loginOf(one), child, logs: ssh.logs });
  const onlyIPv4Answers = onlyIPv4Answered(ssh.logs[0] ?? "");
  if (end instanceof RootShell) return { kind: "logged-in", shell: end, onlyIPv4Answers };
  const logTexts = await withShownCertificate(end.logTexts, chain, {
    ...place,
    watcher: workspace.watcher,
  });
  return failedResult({ ...end, logTexts }, one, chain);
}

async function attemptHere(one: LoginAttempt): Promise<AttemptResult> {
  const argv = localCommand(process.getuid?.() === 0, one.greeting);
  const child = startGroup(argv, plainEnvironment());
  const end = await logIn({ ...loginOf(one), child, logs: [] });
  if (end instanceof RootShell) return { kind: "logged-in", shell: end, onlyIPv4Answers: false };
  return failedResult(end, one, []);
}

function loginOf(one: LoginAttempt): Omit<Login, "child" | "logs"> {
  return { ...one, through: formatWay(one.target) };
}

function failedResult(login: FailedLogin, { node }: LoginAttempt, chain: SshHop[]): AttemptResult {
  return { kind: "failed", failure: explainFailure({ ...login, node, chain }) };
}

function onlyIPv4Answered(logFile: string): boolean {
  const { dialled } = readSshLog(readLog(logFile));
  const answering = dialled.at(-1);
  const isIPv6 = (one: { address: string }): boolean => one.address.includes(":");
  return answering?.error === null && !isIPv6(answering) && dialled.slice(0, -1).some(isIPv6);
}
