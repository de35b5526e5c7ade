/** A host for the operator's side of a push: the model host of test/mesh/host, which talks as the host's program does. */
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

/** What is special about one login; otherwise all goes well. */
export interface Login {
  /** Runs first; what it throws is thrown before there is a session. */
  begins?: (host: FakeHost) => void;
  /** Ends the conversation instead of the observation. */
  says?: Partial<HostRun>;
  /** Changes what the host prints as its observation. */
  shows?: (sections: Map<string, string[]>) => void;
  /** The host gets no answer, and the connection breaks. */
  isCut?: true;
  /** Changes what the host prints after it has done it. */
  ends?: Partial<HostRun>;
}

/** What the operator said in one login; empty where it did not get that far. */
export interface Said {
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
  readonly said: Said[] = [];
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

  /** The logins that are to come; asserts that the last ones came. */
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
    login.begins?.(this);
    const said: Said = { verb: "", token: "", words: "", questions: "", answer: "" };
    this.said.push(said);
    return work({
      through: THROUGH,
      lastChange: this.lastChange,
      send: (text) => {
        if (said.verb === "") Object.assign(said, callIn(text));
        else said.answer += text;
      },
      end: () => undefined,
      until: () =>
        new Promise((resolve) => {
          resolve(this.#observe(login, said));
        }),
      finish: () =>
        new Promise((resolve) => {
          resolve(this.#answer(login, said));
        }),
    });
  }

  /** What happens after 45 s, or before the next change. */
  undo(words = "it was not confirmed within 45 s"): void {
    if (this.#pending === null) return;
    this.#pending.run.run("undo");
    this.model.files.set(`${RUN}/rolled-back`, `${this.#pending.token}\n`);
    this.#pending = null;
    this.#lines = [`result ${words}`];
  }

  #observe(login: Login, { verb, token, words, questions }: Said): string[] {
    if (login.says !== undefined)
      throw new SessionLost("the host ended", "ended", runOf(login.says));
    const isSame = this.#pending?.text.includes(`digest ${words.split(" ")[1] ?? "-"}\n`) === true;
    if (verb === "push" && !isSame) this.undo();
    const keys = questions.split("\n").filter((line) => line.startsWith("psk\t"));
    const sections = sectionsOf(
      this.model,
      Secret.of(keys.map((line) => `${line.slice(4)}\n`).join("")),
    );
    const pending = this.#pending === null ? [] : [`pending ${this.#pending.token} applied`];
    sections.get("host")?.push(...pending, ...this.#lines);
    login.shows?.(sections);
    return [...sections].flatMap(([name, lines]) => [`@${token} ${name}`, ...lines]);
  }

  #answer(login: Login, { token, answer }: Said): HostRun {
    if (login.isCut === true) return runOf({ exitCode: null });
    return { ...runOf({ stdout: this.#obey(token, answer) }), ...login.ends };
  }

  #obey(token: string, answer: string): string {
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
        return assert.fail(`an answer that the host does not know: ${first}`);
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

function callIn(text: string): Partial<Said> {
  const call = /QUESTIONS='([^']*)'; main (\S+) wg0 (\S+) ?(.*); exit\n$/.exec(text);
  assert.ok(call !== null, "no call at the end of the program");
  const [, questions = "", verb = "", token = "", words = ""] = call;
  return { questions, verb, token, words };
}
