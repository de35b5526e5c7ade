/**
 * The conversation of a push with one host, without SSH and without retries: each method is one login. It splits up
 * scripts/push/apply.ts, so that tests can do something between two steps.
 */
import * as assert from "node:assert/strict";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { renderChange, type Change } from "../../../mesh/host/change";
import { decide, unapplied } from "../../../mesh/host/decide";
import { formatDifference } from "../../../mesh/host/format-difference";
import type { Observation } from "../../../mesh/host/observation";
import { decideRemoval } from "../../../mesh/host/removal";
import { toolsToInstall } from "../../../mesh/host/tools";
import type { Wanted } from "../../../mesh/host/wanted";
import type { PushRequest } from "../../../mesh/push-request";
import { undone, withoutEffect } from "../../../scripts/push/apply-messages";
import { CappedLines } from "../../../scripts/push/capped-lines";
import {
  answer,
  linesWith,
  newToken,
  NO_QUESTIONS,
  observe,
  Overtaken,
  parseComplaint,
  type Call,
  type Questions,
} from "../../../scripts/push/conversation";
import { hostProgram } from "../../../scripts/push/host-program";
import * as limits from "../../../scripts/push/limits";
import { questionsOf as pushQuestions } from "../../../scripts/push/push";
import { PushError } from "../../../scripts/push/push-error";
import { RootShell, SessionLost, type HostRun } from "../../../scripts/push/session";
import { sha256, wantedState } from "../../../scripts/push/wanted-state";

/** Seconds; longer than any test, so that no change is undone because it is not confirmed. */
export const NEVER = 3600;

export interface ApplyOptions {
  /** Names the change; default a new one. */
  token?: string;
  /** The first line of the host's lock file when the login was ready; default `-`, as on a host without one. */
  lastChange?: string;
  /** Seconds until the host undoes the change by itself; default NEVER. */
  undoAfterS?: number;
  /** Sends the digest of the wanted state, as a login by an address of the config does. */
  sendsDigest?: boolean;
  /** Replaces the message with the change, to damage it on its way. */
  damage?: (message: string) => string;
  /** Edits the program that the change leaves on the host. */
  program?: (text: string) => string;
}

export interface HostReply extends HostRun {
  code: number;
  token: string;
  /**
   * `pending` (begun and not confirmed), `kept` (the change of a killed push), `unchanged`, `overtaken`; `confirmed`, `undone`; `removed`, `removing`, `absent`,
   * `left`. Undefined if it was refused or failed: then `complaint` says why.
   */
  outcome: string | undefined;
  notes: string[];
  /** The error with its remedy, as a user reads it after the node's name; empty if none. */
  complaint: string;
  /** Null if the login ended before. */
  observed: Observation | null;
}

interface SentChange {
  before: Observation;
  wanted: Wanted;
}

export class HostDialogue {
  private readonly begun = new Map<string, SentChange>();

  /**
   * `shell` starts a root shell on the host that reads a program from its stdin; `record` gets its output.
   */
  constructor(
    private readonly node: string,
    private readonly shell: () => ChildProcess,
    private readonly record: (text: string) => void,
  ) {}

  /** The first login: observes, decides and begins the change. Missing tools take another login before it. */
  async apply(request: PushRequest, options: ApplyOptions = {}): Promise<HostReply> {
    const first = await this.begin(request, options, false);
    if (first.outcome !== "installed") return first;
    const then = await this.begin(request, options, true);
    return { ...then, notes: [...first.notes, ...then.notes] };
  }

  private async begin(
    request: PushRequest,
    options: ApplyOptions,
    hasInstalled: boolean,
  ): Promise<HostReply> {
    const token = options.token ?? newToken();
    const wanted = wantedState(request);
    const known = options.sendsDigest === true ? [wanted.digest] : [];
    const words = [options.lastChange ?? "-", ...known];
    const call: Call = { verb: "push", interface: request.interface, token, words };
    return this.login(call, questionsOf(wanted), async (session, observed) => {
      if (observed.pending !== null)
        return { ...(await answer(session, "commit\n", limits.CONFIRM_MS)), outcome: "kept" };
      const missing = hasInstalled ? null : toolsToInstall(observed, wanted);
      if (missing !== null) {
        const run = await answer(session, `install ${missing.command}\n`, limits.INSTALL_MS);
        const notes = [`installing ${missing.packages.join(" ")}`];
        return { ...run, outcome: "installed", notes };
      }
      const program = programFor(options);
      const hostScript = { text: program, digest: sha256(program) };
      const decision = decide(observed, wanted, { token, hostScript });
      const send = (verb: "change" | "mark", change: Change): Promise<HostRun> => {
        const text = renderChange(change).reveal();
        const message = `${verb} ${sha256(text)}${keysIn(text)}\n${text}`;
        return answer(session, (options.damage ?? same)(message), limits.APPLY_MS);
      };
      if (decision.kind === "nothing") {
        const run = await session.finish(limits.APPLY_MS);
        return { ...run, outcome: "unchanged", notes: decision.notes };
      }
      if (decision.kind === "refuse") {
        const { change } = decision;
        const run = await (change === null
          ? session.finish(limits.APPLY_MS)
          : send("mark", change));
        return { ...run, exitCode: 1, complaint: `${decision.cause}\n${decision.remedy}` };
      }
      this.begun.set(token, { before: observed, wanted });
      const run = await send("change", decision.change);
      const hasBegun = run.exitCode === 0 && /^begun$/m.test(run.stdout);
      return { ...run, outcome: hasBegun ? "pending" : undefined, notes: decision.notes };
    });
  }

  /** The second login: commits the change if it has had its effect, unless `reply` is another answer. */
  confirm(
    name: string,
    token: string,
    reply: "commit" | "undo" | "nothing" = "commit",
  ): Promise<HostReply> {
    const begun = this.begun.get(token);
    const questions =
      begun === undefined ? NO_QUESTIONS : { ...questionsOf(begun.wanted), names: [] };
    const call: Call = { verb: "confirm", interface: name, token };
    return this.login(call, questions, async (session, after) => {
      if (after.pending?.token !== token || after.pending.state !== "applied") {
        const run = await session.finish(limits.CONFIRM_MS);
        if (after.records.confirmed?.token === token) return { ...run, outcome: "confirmed" };
        return {
          ...run,
          exitCode: 1,
          complaint: this.withoutName(undone(this.node, after.result)),
        };
      }
      const wrong = begun === undefined ? [] : unapplied(begun.before, after, begun.wanted);
      if (wrong.length > 0) {
        const run = await answer(session, "undo\n", limits.CONFIRM_MS);
        const text = wrong.map((one) => formatDifference(one, new Map(), name)).join("; ");
        return { ...run, exitCode: 1, complaint: withoutEffect(text) };
      }
      const run = await answer(session, `${reply}\n`, limits.CONFIRM_MS);
      const outcome = /^(committed|undone)$/m.exec(run.stdout)?.[1];
      return { ...run, outcome: outcome === "committed" ? "confirmed" : outcome };
    });
  }

  remove(request: PushRequest, lastChange = "-"): Promise<HostReply> {
    const call: Call = {
      ...{ verb: "remove", interface: request.interface, token: newToken() },
      words: [lastChange],
    };
    return this.login(call, NO_QUESTIONS, async (session, observed) => {
      const removal = decideRemoval(observed, request);
      if (removal.kind !== "remove") {
        return { ...(await session.finish(limits.REMOVE_VERB_MS)), outcome: removal.kind };
      }
      const text = `${["remove", ...removal.sysctls].join(" ")}\n`;
      const run = await answer(session, text, limits.REMOVE_VERB_MS);
      const outcome = /^removed$/m.test(run.stdout) ? "removed" : undefined;
      const begun = /^removing$/m.test(run.stdout) ? "removing" : undefined;
      return { ...run, outcome: outcome ?? begun, notes: removal.notes };
    });
  }

  /** Changes nothing. Preshared keys are compared with those of the request, if there is one. */
  async observe(name: string, request: PushRequest | null = null): Promise<Observation> {
    const call: Call = { verb: "status", interface: name, token: newToken() };
    const wanted = request === null ? null : wantedState(request);
    const questions = wanted === null ? NO_QUESTIONS : questionsOf(wanted);
    const reply = await this.login(call, questions, (session) => session.finish(limits.OBSERVE_MS));
    assert.ok(reply.observed, reply.stderr);
    return reply.observed;
  }

  private async login(
    call: Call,
    questions: Questions,
    converse: (
      session: RootShell,
      observed: Observation,
    ) => Promise<HostRun & Partial<Pick<HostReply, "outcome" | "notes" | "complaint">>>,
  ): Promise<HostReply> {
    const session = this.start();
    let observed: Observation | null = null;
    const none = { outcome: undefined, token: call.token, complaint: "" };
    try {
      observed = await observe(session, this.node, call, questions);
      const done = await converse(session, observed);
      const complaint = done.complaint ?? parseComplaint(done.stderr) ?? "";
      const notes = [...(done.notes ?? []), ...linesWith("note", done.stdout)];
      return { ...none, ...done, observed, complaint, notes, code: done.exitCode ?? 255 };
    } catch (problem) {
      const run = problem instanceof SessionLost ? problem.run : NO_RUN;
      const failed = { ...none, ...run, notes: [], observed, code: run.exitCode ?? 255 };
      if (problem instanceof Overtaken) return { ...failed, code: 0, outcome: "overtaken" };
      if (!(problem instanceof PushError)) throw problem;
      return { ...failed, complaint: this.withoutName(problem.message) };
    } finally {
      // Ends a host program that still waits for an answer.
      session.end();
    }
  }

  private start(): RootShell {
    const child = this.shell() as ChildProcessWithoutNullStreams;
    const lines = (): CappedLines =>
      new CappedLines(limits.OUTPUT_CAP, { onLine: () => undefined, onTooMuch: () => undefined });
    const wire = { child, stdout: lines(), stderr: lines() };
    const session = new RootShell(wire, { node: this.node, through: "", lastChange: "" });
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        this.record(text);
        wire[stream].write(text);
      });
    }
    // EPIPE: the host's program may have ended.
    child.stdin.on("error", () => undefined);
    return session;
  }

  private withoutName(message: string): string {
    return message.startsWith(`${this.node}: `) ? message.slice(this.node.length + 2) : message;
  }
}

/** The program that a change leaves on the host. */
function programFor({ undoAfterS = NEVER, program = same }: ApplyOptions): string {
  const limited = Object.entries({ UNDO_AFTER_S: undoAfterS, CHANGE_S: undoAfterS + 45 }).reduce(
    (text, [name, seconds]) =>
      text.replace(new RegExp(`^${name}=\\d+$`, "m"), `${name}=${seconds}`),
    hostProgram(),
  );
  const edited = program(limited);
  assert.notEqual(limited, hostProgram(), "the limits have other names");
  assert.ok(program === same || edited !== limited, "the program has no such line");
  return edited;
}

function questionsOf(wanted: Wanted): Questions {
  return { ...pushQuestions(wanted), hostFilter: false };
}

/** The flag that the change has keys for the host to fill in, as in scripts/push/apply.ts. */
function keysIn(text: string): string {
  return /^ (?:Private|Preshared)Key = \((?:now|on this host)\)/m.test(text) ? " keys" : "";
}

const NO_RUN: HostRun = { stdout: "", stderr: "", exitCode: 1, through: "" };

function same(text: string): string {
  return text;
}
