/** Polls hosts over one connection each. A host that does not answer does not delay the others. */
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { NodePlan } from "../../mesh/plan/plan";
import { endAllGroups } from "../push/children";
import { withConnection, type ConnectedHost } from "../push/observe-host";
import { RefusedError } from "../push/push-error";
import type { SshContext } from "../push/ssh-context";
import {
  MAX_CONCURRENT,
  sshContextFor,
  statusQuestions,
  unreachedAnswer,
  type HostAnswer,
} from "./query-hosts";
import { hostAccess, type Access } from "./host-access";
import { Semaphore } from "./semaphore";

/** Interval of full observations (differences, firewall); in between, only the tunnels are read. */
const FULL_MS = 30_000;
/** Pause after a failed login. */
const RETRY_MS = 5_000;
/** Pause after a rejected login, so that fail2ban does not block this machine. */
const REFUSED_MS = 60_000;
/** Older answers are not shown. */
const MAX_AGE_S = 8;

interface TimedAnswer {
  answer: HostAnswer;
  /** The round of the query. */
  round: number;
}

export class HostWatcher {
  private readonly nodes: readonly NodePlan[];
  private readonly context: SshContext;
  private readonly logins = new Semaphore(MAX_CONCURRENT);
  private readonly answers = new Map<string, TimedAnswer>();
  private readonly events = new EventEmitter().setMaxListeners(0);
  private round = 0;
  private over = false;
  /** A bug, not a failure of a host. */
  private failure: unknown = null;

  /** Connects to the hosts of those `nodes` that have one. */
  constructor(
    nodes: readonly NodePlan[],
    private readonly access: Access,
  ) {
    this.nodes = nodes.filter((node) => node.hosts.length > 0);
    this.context = sshContextFor(access);
    for (const node of this.nodes) {
      void this.follow(node).catch((error: unknown) => {
        this.failure = error;
        this.events.emit("answer");
      });
    }
  }

  /** Queries all hosts. Waits at most `limitMs`: in the first round for all, later for the hosts that have answered before. */
  async poll(limitMs: number): Promise<Map<string, HostAnswer>> {
    const round = ++this.round;
    const isFirst = round === 1;
    const awaited = this.nodes.filter(
      ({ name }) => isFirst || this.answers.get(name)?.answer.reachable === true,
    );
    this.events.emit("round");
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
    }, limitMs);
    const isAnswered = ({ name }: NodePlan): boolean =>
      (this.answers.get(name)?.round ?? 0) >= round;
    while (!late.signal.aborted && !awaited.every(isAnswered)) {
      await once(this.events, "answer", { signal: late.signal }).catch((error: unknown) => {
        if (!late.signal.aborted) throw error;
      });
      if (this.failure !== null) break;
    }
    clearTimeout(timer);
    if (this.failure !== null) throw this.failure as Error;
    return new Map(this.nodes.map((node) => [node.name, this.answerOf(node, round)]));
  }

  /** Ends every connection. */
  async end(): Promise<void> {
    this.over = true;
    process.once("exit", endAllGroups);
    endAllGroups();
    await this.context.cleanUp();
  }

  private isOver(): boolean {
    return this.over;
  }

  private answerOf({ name }: NodePlan, round: number): HostAnswer {
    const last = this.answers.get(name);
    if (last === undefined) return { reachable: false, cause: "has not answered yet" };
    const { answer } = last;
    if (!answer.reachable || last.round >= round) return answer;
    const age = Math.round(Date.now() / 1000 - answer.queriedAt);
    return age > MAX_AGE_S ? { reachable: false, cause: `has not answered for ${age} s` } : answer;
  }

  /** Reconnects when the connection is lost. */
  private async follow(node: NodePlan): Promise<void> {
    while (!this.isOver()) {
      const release = await this.logins.acquire();
      try {
        const access = hostAccess(node, this.access);
        await withConnection(access, (host) => this.pollHost(node, host, release), this.context);
      } catch (error) {
        release();
        if (this.isOver()) return;
        this.record(node, this.round, unreachedAnswer(node, error));
        const pauseMs = error instanceof RefusedError ? REFUSED_MS : RETRY_MS;
        await sleep(pauseMs, undefined, { ref: false });
      }
    }
  }

  private async pollHost(node: NodePlan, host: ConnectedHost, release: () => void): Promise<void> {
    const questions = statusQuestions(node, this.access);
    let answered = 0;
    let fullAt = -Infinity;
    while (!this.isOver()) {
      if (answered === this.round) await once(this.events, "round");
      const { round } = this;
      const isFull = performance.now() - fullAt >= FULL_MS;
      if (isFull) fullAt = performance.now();
      const observed = isFull ? await host.observe(questions) : await host.look();
      release();
      const answer = { through: host.through, observed, queriedAt: Date.now() / 1000 };
      this.record(node, round, { reachable: true, ...answer });
      answered = round;
    }
  }

  private record({ name }: NodePlan, round: number, answer: HostAnswer): void {
    this.answers.set(name, { answer, round });
    this.events.emit("answer");
  }
}
