/** A host for tests of the operator's side of a push: the model host of test/mesh/host, with the protocol of the host's program. */
import * as assert from "node:assert/strict";
import { Secret } from "../../../mesh/secret";
import type { Host, HostRun, Session } from "../../../scripts/push/connect";
import { UnreachableError } from "../../../scripts/push/push-error";
import { SessionLost } from "../../../scripts/push/session";
import { keyPair } from "../../support/key-pairs";
import { ChangeRun, parseChange } from "../../mesh/host/support/change-text";
import { KernelError, type Host as Model, sha256 } from "../../mesh/host/support/host";
import { freshHost } from "../../mesh/host/support/hosts";
import { sectionsOf } from "../../mesh/host/support/observe";

/** What differs from a successful login. */
export interface Login {
  /** Runs first. An error that it throws fails the login. */
  before?: (host: FakeHost) => void;
  /** The host's program exits with this result instead of an observation. */
  exit?: Partial<HostRun>;
  /** Edits the sections of the observation. */
  edit?: (sections: Map<string, string[]>) => void;
  /** The connection breaks before the operator's answer arrives. */
  isCut?: true;
  /** Overrides the host's result after it has carried out the answer. */
  reply?: Partial<HostRun>;
}

/** What the operator sent in one login; empty for parts that were not sent. */
export interface Sent {
  verb: string;
  token: string;
  words: string;
  questions: string;
  answer: string;
}

export const THROUGH = "taro@10.0.0.2";
const RUN = "/run/wireguard-mesh/wg0";

export class FakeHost implements Host {
  readonly model: Model = freshHost();
  readonly sent: Sent[] = [];
  /** Tunnel addresses that do not answer a ping. */
  readonly silent = new Set<string>();
  /** The token of the last change, as the lock file has it. */
  lastChange = "";
  #logins: Login[] = [];
  #lines: string[] = [];
  #pending: { token: string; run: ChangeRun; text: string } | null = null;

  constructor() {
    this.model.now = Math.round(Date.now() / 1000);
  }

  /** Sets the next logins; asserts that all earlier ones have taken place. */
  expect(...logins: Login[]): void {
    assert.equal(this.#logins.length, 0, "fewer logins than expected");
    this.#logins = logins;
  }

  run(): Promise<HostRun> {
    return Promise.reject(new Error("a push is a conversation"));
  }

  async session<T>(_: unknown, work: (session: Session) => Promise<T>): Promise<T> {
    const login = this.#logins.shift();
    assert.ok(login !== undefined, "an unexpected login");
    login.before?.(this);
    const sent: Sent = { verb: "", token: "", words: "", questions: "", answer: "" };
    this.sent.push(sent);
    return work({
      through: THROUGH,
      lastChange: this.lastChange,
      send: (text) => {
        if (sent.verb === "") Object.assign(sent, callIn(text));
        else sent.answer += text;
      },
      end: () => undefined,
      until: () =>
        new Promise((resolve) => {
          resolve(this.#observe(login, sent));
        }),
      finish: () =>
        new Promise((resolve) => {
          resolve(this.#answer(login, sent));
        }),
    });
  }

  /** Undoes the pending change, as the host does after 45 s or before the next change. */
  undo(reason = "it was not confirmed within 45 s"): void {
    if (this.#pending === null) return;
    this.#pending.run.run("undo");
    this.model.files.set(`${RUN}/rolled-back`, `${this.#pending.token}\n`);
    this.#pending = null;
    this.#lines = [`result ${reason}`];
  }

  #observe(login: Login, { verb, token, words, questions }: Sent): string[] {
    if (login.exit !== undefined)
      throw new SessionLost("the host ended", "ended", runOf(login.exit));
    const isSame = this.#pending?.text.includes(`digest ${words.split(" ")[1] ?? "-"}\n`) === true;
    if (verb === "push" && !isSame) this.undo();
    const keys = questions.split("\n").filter((line) => line.startsWith("psk\t"));
    const sections = sectionsOf(
      this.model,
      Secret.of(keys.map((line) => `${line.slice(4)}\n`).join("")),
    );
    const pending = this.#pending === null ? [] : [`pending ${this.#pending.token} applied`];
    sections.get("host")?.push(...pending, ...this.#lines);
    login.edit?.(sections);
    return [...sections].flatMap(([name, lines]) => [`@${token} ${name}`, ...lines]);
  }

  #answer(login: Login, { token, answer }: Sent): HostRun {
    if (login.isCut === true) return runOf({ exitCode: null });
    return { ...runOf({ stdout: this.#carryOut(token, answer) }), ...login.reply };
  }

  #carryOut(token: string, answer: string): string {
    const [first = ""] = answer.split("\n");
    const [verb = "", digest] = first.split(" ");
    switch (verb) {
      case "change":
      case "mark": {
        const text = answer.slice(first.length + 1);
        assert.equal(digest, sha256(text));
        this.#begin(token, text, verb === "change");
        return "begun\n";
      }
      case "commit":
        this.#pending?.run.run("commit");
        this.#pending = null;
        return "committed\n";
      case "undo":
        this.undo();
        return "undone\n";
      case "install":
        return "";
      case "remove":
        for (const key of answer.trimEnd().split(" ").slice(1)) this.model.sysctls.set(key, "0");
        this.model.files.clear();
        return "removing\nremoved\n";
      case "key":
        return `public-key ${keyPair(20).publicKey}\n`;
      default:
        return assert.fail(`unknown answer: ${first}`);
    }
  }

  #begin(token: string, text: string, isChange: boolean): void {
    const run = new ChangeRun(this.model, parseChange(text));
    run.run("now");
    if (!isChange) return;
    this.lastChange = token;
    this.#pending = { token, run, text };
    const pinged = run.steps("apply").filter((step) => step.startsWith("ping "));
    this.#lines = pinged
      .flatMap((step) => step.split(" ").slice(1))
      .map((address) => `ping ${address} ${this.silent.has(address) ? "lost" : "answered"}`);
    try {
      run.run("apply");
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.undo(error.message);
    }
  }
}

export function unreachable(): never {
  const cause = "timed out: 10.0.0.2 port 22 does not answer";
  const failure = { kind: "timed-out" as const, cause, remedy: "" };
  throw new UnreachableError("host: cannot be reached", [{ through: THROUGH, failure }]);
}

function runOf(run: Partial<HostRun>): HostRun {
  return { stdout: "", stderr: "", exitCode: 0, through: THROUGH, ...run };
}

function callIn(text: string): Partial<Sent> {
  const call = /QUESTIONS='([^']*)'; main (\S+) wg0 (\S+) ?(.*); exit\n$/.exec(text);
  assert.ok(call !== null, "no call at the end of the program");
  const [, questions = "", verb = "", token = "", words = ""] = call;
  return { questions, verb, token, words };
}
