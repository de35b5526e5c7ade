/** Speaks the push's own protocol with a host of the lab, as root and without SSH: one message, one answer. */
import { createHash, randomBytes } from "node:crypto";
import * as assert from "node:assert/strict";
import type { Lab } from "../../../scripts/lab/lab";
import { waitFor, type CommandResult } from "../../../scripts/lab/process";
import { parseFacts, type Facts } from "../../../scripts/push/facts";
import {
  composeMessage,
  hostScript,
  parseAnswer,
  parseComplaint,
  type Verb,
} from "../../../scripts/push/host-script";
import { printedIn } from "./pushing";

/** Longer than any test: the timer is there, and does not go off. */
export const NEVER = 3600;
export const STATE = "/var/lib/wireguard-mesh/wg0";
export const LIVE = "/etc/wireguard/wg0.conf";

export interface Wanted {
  config: string;
  /** Seconds until the host goes back by itself; default NEVER. */
  timeout?: number;
  forwarding?: boolean;
  owner?: string;
  probes?: string[];
  /** What the payload has instead of what belongs there. */
  spoilt?: Record<string, string>;
}

export interface Answer extends CommandResult {
  token: string;
  outcome: string | undefined;
  notes: string[];
  /** The host's complaint, with its remedy; "" where it had none. */
  complaint: string;
}

/** One host; `node` is its name in the lab and in the network. */
export class HostTalk {
  constructor(
    readonly lab: Lab,
    readonly node: string,
  ) {}

  /** `since`: as if its login had been ready then, by the host's uptime. */
  apply(wanted: Wanted, token = newToken(), since = ""): Promise<Answer> {
    return this.send("apply", token, wanted.owner, this.payload(wanted, token), since);
  }

  /** What a push sends before the payload's end, as `apply` would. */
  payload(wanted: Wanted, token: string): Record<string, string | number> {
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
      ...wanted.spoilt,
    };
  }

  confirm(token: string): Promise<Answer> {
    return this.send("confirm", token, undefined, { token });
  }

  remove(since = ""): Promise<Answer> {
    return this.send("remove", "", undefined, {}, since);
  }

  async facts(): Promise<Facts> {
    return parseFacts((await this.send("facts", "", undefined, {})).stdout);
  }

  /** Applies and confirms; both must succeed. */
  async converge(wanted: Wanted): Promise<"unchanged" | "confirmed"> {
    const { outcome, token, stderr } = await this.apply(wanted);
    if (outcome === "unchanged") return outcome;
    assert.equal(outcome, "pending", stderr);
    const confirmed = await this.confirm(token);
    assert.equal(confirmed.outcome, "confirmed", confirmed.stderr);
    return "confirmed";
  }

  /** Runs a command that must succeed; its stdout without the last newline. */
  async said(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.lab.exec(this.node, ["sh", "-c", script]);
    assert.equal(code, 0, `${script}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Waits until a shell condition holds there. */
  async until(condition: string, limitMs = 60_000): Promise<void> {
    const holds = async (): Promise<true | undefined> =>
      (await this.lab.exec(this.node, ["sh", "-c", condition])).code === 0 ? true : undefined;
    assert.equal(await waitFor(holds, limitMs, 100), true, `never: ${condition}`);
  }

  private async send(
    verb: Verb,
    token: string,
    owner: string | undefined,
    more: Record<string, string | number>,
    since = "",
  ): Promise<Answer> {
    const marks = { interface: "wg0", node: this.node, machine: `machine-of-${this.node}` };
    const message = composeMessage(
      verb,
      { ...marks, owner: owner ?? `wireguard-mesh/${this.lab.id}` },
      more,
    );
    const input = `${since === "" ? "" : `since=${since}\n`}${message}`;
    const finished = await this.lab.exec(this.node, ["sh", "-s"], { input, timeoutMs: 120_000 });
    printedIn(this.lab).push(finished.stdout, finished.stderr);
    const answer = parseAnswer(finished.stdout);
    const outcome = answer.get("outcome")?.at(-1);
    const complaint = parseComplaint(finished.stderr) ?? "";
    return { ...finished, token, outcome, notes: answer.get("note") ?? [], complaint };
  }
}

export function newToken(): string {
  return randomBytes(16).toString("hex");
}

/** By the host's uptime, as a login that is ready now. */
export async function readyNow(talk: HostTalk): Promise<string> {
  const uptime = await talk.said("cut -d ' ' -f 1 /proc/uptime");
  return uptime.replace(".", "");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
