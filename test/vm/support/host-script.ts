/** Uses the push protocol on a machine: sends the host script and a payload to stdin of a constant command. */
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { CommandResult } from "../../../scripts/lab/process";
import { findRepository } from "../../../scripts/lab/repository";
import type { Machine } from "../../../scripts/lab/vm/machine";

/** The ownership fields for the machine of `startMachine`. */
export const MARKS = { interface: "wg0", owner: "wireguard-mesh/vm", node: "tokyo", machine: "vm" };

export interface WantedState {
  /** The wg-quick file. */
  config: string;
  forwarding: boolean;
  /** Seconds until the host rolls back. */
  timeout: number;
}

export interface HostReply extends CommandResult {
  /** The first value of each key. */
  facts: Map<string, string>;
}

/** Sends a state to the host. @returns its reply and the token for `confirm` */
export async function apply(
  machine: Machine,
  wanted: WantedState,
): Promise<{ token: string; reply: HostReply }> {
  const token = randomBytes(16).toString("hex");
  const forwarding = wanted.forwarding ? "1" : "0";
  const reply = await send(machine, "apply", {
    ...{ token, timeout: `${wanted.timeout}`, probes: "" },
    ...{ forwarding4: forwarding, forwarding6: "0" },
    digest: sha256(`${wanted.config}${forwarding}`),
    sha256: sha256(wanted.config),
    config: Buffer.from(wanted.config).toString("base64"),
    "script-sha256": sha256(hostScript()),
    script: Buffer.from(hostScript()).toString("base64"),
  });
  return { token, reply };
}

export function confirm(machine: Machine, token: string): Promise<HostReply> {
  return send(machine, "confirm", { token });
}

/** Confirms and crashes the machine right after the reply, without a sync. */
export async function confirmAndCrash(machine: Machine, token: string): Promise<void> {
  // The machine has crashed, so the login hangs until the timeout.
  await send(machine, "confirm", { token }, CRASH_AFTER, 60_000);
}

export function facts(machine: Machine): Promise<HostReply> {
  return send(machine, "facts", {});
}

export function remove(machine: Machine): Promise<HostReply> {
  return send(machine, "remove", {});
}

const SHELL = "exec sudo -n sh -s";
/** SysRq b: reboots at once, without sync or unmount. */
const CRASH_AFTER = `exec sudo -n sh -c 'sh -s && echo b >/proc/sysrq-trigger'`;

async function send(
  machine: Machine,
  verb: string,
  more: object,
  command = SHELL,
  timeoutMs = 300_000,
): Promise<HostReply> {
  const lines = Object.entries({ verb, ...MARKS, ...more }).map(
    ([key, value]) => `${key} ${value}`,
  );
  const payload = ["main <<'END_OF_PAYLOAD'", ...lines, "end", "END_OF_PAYLOAD", ""].join("\n");
  const input = `${hostScript()}\n${payload}`;
  const finished = await machine.ssh(command, { input, timeoutMs });
  return { ...finished, facts: factsIn(finished.stdout) };
}

function hostScript(): string {
  const folder = path.join(findRepository(), "scripts/push/host");
  const files = fs.readdirSync(folder).filter((name) => name.endsWith(".sh"));
  return files
    .sort()
    .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
    .join("\n");
}

function factsIn(stdout: string): Map<string, string> {
  const pairs = stdout.split("\n").map((line): [string, string] => {
    const [key = "", ...value] = line.split(" ");
    return [key, value.join(" ")];
  });
  return new Map(pairs.reverse());
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
