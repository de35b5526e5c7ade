/** One try to run a script as root on a host, by one way. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import * as fs from "node:fs";
import type { HostTarget, SshHop } from "../../mesh/push-request";
import { endGroup, startGroup } from "./children";
import type { Keep } from "./keeper";
import { lookCloser } from "./look";
import { explainFailure, type Failure } from "./ssh-failure";
import { formatHop, sshCommand, writeFiles } from "./ssh-options";

export interface Try {
  /** The node's name in stack config. */
  node: string;
  target: HostTarget;
  /** A short name of this way, unlike that of the others. */
  way: string;
  /** Text for `sh -s`. It leaves this process only when a root shell waits for it. */
  script: string;
  loginMs: number;
  connectSeconds: number;
  /** For the script to run, once it was sent. */
  limitMs: number;
  /** A line that the script prints on stdout while it waits for this answer; null: its stdin ends with the script. */
  question: { asked: RegExp; answer: string } | null;
  /** Called when the first jump has let us in; it may be called more than once. */
  onJumped: () => void;
  /** Each line that the host says on stderr. What it returns replaces the limit, counted from the start of the script. */
  onTalk: (line: string) => number | undefined;
}

export type Ending =
  /** Nothing was sent. */
  | { kind: "vain"; failure: Failure }
  /** exitCode null: the connection broke, or the limit was reached, after the script was sent. */
  | { kind: "ran"; stdout: string; stderr: string; exitCode: number | null };

/**
 * What the remote side says when it is root and listens, with its uptime in seconds. The shells of some people say more
 * before that.
 */
const READY = /wireguard-mesh: ready ?(\d+)?(?:\.(\d\d))?\n/;
const GREET = 'read -r up rest </proc/uptime; echo "wireguard-mesh: ready $up"; exec sh -s';
const SHELL = `sh -c '${GREET}'`;

/** As in PushResult.through. */
export function formatWay(target: HostTarget): string {
  if (target.kind === "local") return "local";
  return [target.hop, ...target.via].map(formatHop).join(" via ");
}

/** `startKeep` is only asked where SSH is needed. Never throws for what the host or the way does. */
export async function attempt(one: Try, startKeep: () => Promise<Keep>): Promise<Ending> {
  if (one.target.kind === "local") {
    const program = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
    const shell = ["sh", "-c", GREET];
    return judge(await converse(startGroup([...program, ...shell]), one, []), one, []);
  }
  const keep = await startKeep();
  const chain = [...one.target.via, one.target.hop];
  const ssh = sshCommand(chain, { ...keep, way: one.way, connectSeconds: one.connectSeconds });
  writeFiles(ssh);
  // Of an earlier try on this way.
  for (const file of ssh.jumpTalk) fs.rmSync(file, { force: true });
  const remote = `exec ${one.target.hop.user === "root" ? "" : "sudo -n "}${SHELL}`;
  const child = startGroup(["ssh", ...ssh.args, remote], {}, keep.watcher);
  const watch = setInterval(() => {
    if (ssh.jumpTalk.slice(0, 1).some((file) => hasJumped(readIfThere(file)))) one.onJumped();
  }, JUMP_WATCH_MS);
  const heard = await converse(child, one, ssh.jumpTalk).finally(() => {
    clearInterval(watch);
  });
  if (heard.kind === "ran") return heard;
  return judge(
    { ...heard, talk: await lookCloser(heard.talk, chain, { ...keep, ...one }) },
    one,
    chain,
  );
}

const JUMP_WATCH_MS = 50;

/** ssh's own words when it is let in (sshconnect2.c), at the log level that jumps have. */
function hasJumped(talk: string): boolean {
  return /^Authenticated to /m.test(talk);
}

type Heard =
  Extract<Ending, { kind: "ran" }> | { kind: "vain"; talk: string[]; gaveUpAfterS: number | null };

function judge(heard: Heard, { node }: Try, chain: SshHop[]): Ending {
  if (heard.kind === "ran") return heard;
  const { talk, gaveUpAfterS } = heard;
  return { kind: "vain", failure: explainFailure({ chain, talk, gaveUpAfterS, node }) };
}

/**
 * Waits for the root shell, gives it the script, and collects what it says until it ends or its time is up. `jumpTalk`:
 * the files in which the jumps' words are.
 */
function converse(
  child: ChildProcessWithoutNullStreams,
  one: Try,
  jumpTalk: string[],
): Promise<Heard> {
  return new Promise((resolve) => {
    const said = { login: "", stdout: "", stderr: "" };
    let sentAt: number | null = null;
    let isAsking = false;
    let gaveUpAfterS: number | null = null;
    let timer = setTimeout(() => {
      gaveUpAfterS = Math.round(one.loginMs / 1000);
      end(child);
    }, one.loginMs);
    const limit = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          end(child);
        },
        ms - (Date.now() - (sentAt ?? 0)),
      );
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.stdout += text;
      if (isAsking && one.question?.asked.test(said.stdout) === true) {
        isAsking = false;
        child.stdin.end(one.question.answer);
      }
      const ready = sentAt === null ? READY.exec(said.stdout) : null;
      if (ready === null) return;
      said.stdout = said.stdout.slice(ready.index + ready[0].length);
      sentAt = Date.now();
      limit(one.limitMs);
      // By the host's own uptime, in hundredths: what has begun there since is newer than this (10-base.sh, overtaken).
      const since = ready[1] === undefined ? "" : `since=${ready[1]}${ready[2] ?? "00"}\n`;
      // Without an uptime the script cannot know whether to ask.
      isAsking = one.question !== null && since !== "";
      if (isAsking) child.stdin.write(since + one.script);
      else child.stdin.end(since + one.script);
    });
    const hear = byLine((line) => {
      const newLimit = sentAt === null ? undefined : one.onTalk(line);
      if (newLimit !== undefined) limit(newLimit);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (sentAt === null) said.login += text;
      else said.stderr += text;
      hear(text);
    });
    const finish = (code: number | null): void => {
      clearTimeout(timer);
      if (sentAt !== null) {
        // 255 is ssh's own; the host's script ends with 0 or 1.
        resolve({
          kind: "ran",
          stdout: said.stdout,
          stderr: said.stderr,
          exitCode: code === 255 ? null : code,
        });
        return;
      }
      const talk = [...jumpTalk.map(readIfThere), said.login];
      resolve({ kind: "vain", talk, gaveUpAfterS });
    };
    child.on("close", finish);
    child.on("error", (problem: NodeJS.ErrnoException) => {
      said.login += `${child.spawnfile}: ${problem.code === "ENOENT" ? "command not found" : problem.message}\n`;
      finish(null);
    });
  });
}

function end(child: ChildProcessWithoutNullStreams): void {
  if (child.pid !== undefined) endGroup(child.pid);
  // A grandchild that left the group may still hold the pipes open: nothing more is waited for.
  child.stdout.destroy();
  child.stderr.destroy();
}

/** Calls `hear` with each whole line of a text that comes in pieces. */
function byLine(hear: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(hear);
  };
}

function readIfThere(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
}
