/** Sends messages of the push protocol to a host of the lab, as root and without SSH: one message, one reply. */
import { createHash, randomBytes } from "node:crypto";
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { type CommandResult } from "../../../scripts/lab/process";
import { parseFacts, type Facts } from "../../../scripts/push/facts";
import {
  composeMessage,
  hostScript,
  parseAnswer,
  parseComplaint,
  type Verb,
} from "../../../scripts/push/host-script";
import { recordedOutput } from "./pushing";

/** Seconds; longer than any test, so that the rollback timer does not fire. */
export const NEVER = 3600;
export const STATE = "/var/lib/wireguard-mesh/wg0";
export const LIVE = "/etc/wireguard/wg0.conf";

export interface WantedState {
  config: string;
  /** Seconds until the host rolls back; default NEVER. */
  timeout?: number;
  forwarding?: boolean;
  owner?: string;
  probes?: string[];
  /** Replaces fields of the payload, to damage it. */
  overrides?: Record<string, string>;
}

export interface HostReply extends CommandResult {
  token: string;
  outcome: string | undefined;
  notes: string[];
  /** The host's error message with its remedy; empty if none. */
  complaint: string;
}

/** A host; `node` is its name in the lab and in the mesh. */
export class HostSession {
  constructor(
    readonly lab: Lab,
    readonly node: string,
  ) {}

  /** `since`: the host's uptime when the login was ready; default now. */
  apply(wanted: WantedState, token = newToken(), since = ""): Promise<HostReply> {
    return this.send("apply", token, wanted.owner, this.payload(wanted, token), since);
  }

  /** The fields that `apply` sends. */
  payload(wanted: WantedState, token: string): Record<string, string | number> {
    const script = `${hostScript()}\n`;
    const forwarding = wanted.forwarding === true ? 1 : 0;
    return {
      ...{ token, timeout: wanted.timeout ?? NEVER, probes: (wanted.probes ?? []).join(" ") },
      digest: sha256(`${wanted.config}${forwarding}`),
      ...{ forwarding4: forwarding, forwarding6: 0 },
      sha256: sha256(wanted.config),
      config: base64(wanted.config),
      "script-sha256": sha256(script),
      script: base64(script),
      ...wanted.overrides,
    };
  }

  /** With `since`, the host asks whether its output arrives, and gets no answer here: stdin has ended. */
  confirm(token: string, since = ""): Promise<HostReply> {
    return this.send("confirm", token, undefined, { token }, since);
  }

  remove(since = ""): Promise<HostReply> {
    return this.send("remove", "", undefined, {}, since);
  }

  async facts(): Promise<Facts> {
    return parseFacts((await this.send("facts", "", undefined, {})).stdout);
  }

  /** Applies and confirms a state and asserts success. */
  async converge(wanted: WantedState): Promise<"unchanged" | "confirmed"> {
    const { outcome, token, stderr } = await this.apply(wanted);
    if (outcome === "unchanged") return outcome;
    assert.equal(outcome, "pending", stderr);
    const confirmed = await this.confirm(token);
    assert.equal(confirmed.outcome, "confirmed", confirmed.stderr);
    return "confirmed";
  }

  /** Runs a script and asserts success. @returns its stdout without trailing newlines */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.lab.exec(this.node, ["sh", "-c", script]);
    assert.equal(code, 0, `${script}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Waits until a shell command succeeds on the host. */
  async waitUntil(condition: string, limitMs = 60_000): Promise<void> {
    const holds = async (): Promise<true | undefined> =>
      (await this.lab.exec(this.node, ["sh", "-c", condition])).code === 0 ? true : undefined;
    assert.equal(await poll(holds, { limitMs, pauseMs: 100 }), true, `never: ${condition}`);
  }

  private async send(
    verb: Verb,
    token: string,
    owner: string | undefined,
    more: Record<string, string | number>,
    since = "",
  ): Promise<HostReply> {
    const marks = { interface: "wg0", node: this.node, machine: `machine-of-${this.node}` };
    const message = composeMessage(
      verb,
      { ...marks, owner: owner ?? `wireguard-mesh/${this.lab.id}` },
      more,
    );
    const input = `${since === "" ? "" : `since=${since}\n`}${message}`;
    const result = await this.lab.exec(this.node, ["sh", "-s"], { input, timeoutMs: 120_000 });
    recordedOutput(this.lab).push(result.stdout, result.stderr);
    const reply = parseAnswer(result.stdout);
    const outcome = reply.get("outcome")?.at(-1);
    const complaint = parseComplaint(result.stderr) ?? "";
    return { ...result, token, outcome, notes: reply.get("note") ?? [], complaint };
  }
}

export function newToken(): string {
  return randomBytes(16).toString("hex");
}

/** The host's uptime in hundredths of a second, as `since` takes it. */
export async function uptimeNow(session: HostSession): Promise<string> {
  const uptime = await session.run("cut -d ' ' -f 1 /proc/uptime");
  return uptime.replace(".", "");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
