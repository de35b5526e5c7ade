/** Pushes to single hosts of the lab, by the push program itself and without the engine. */
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as nacl from "tweetnacl";
import type { HostTarget, PushRequest, SshHop } from "../../../mesh/push-request";
import type { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { World } from "../../../scripts/lab/world";

export const PUSH_PROGRAM = path.join(__dirname, "../../../dist/scripts/push/main.js");

/** A relay on the internet, a desktop behind a router that forwards port 2222 to its sshd, and a laptop behind another. */
export const PUSH_WORLD: World = {
  nats: {
    home: { public: "203.0.113.21", lan: "192.168.1.0/24", forward: [[2222, "192.168.1.20:22"]] },
    cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
  },
  hosts: {
    relay: { public: "203.0.113.10" },
    desktop: { nat: "home", ip: "192.168.1.20" },
    laptop: { nat: "cafe", ip: "192.168.12.30" },
  },
};

/** A machine of the lab as the push dials it: as root, with the key that it really has. */
export function hop(lab: Lab, node: string, address: string, port = 22): SshHop {
  return { user: "root", address, port, hostKeys: [lab.hostKey(node)], authority: null };
}

/** On the operator's management network. */
export function managed(lab: Lab, node: string): HostTarget {
  return { kind: "ssh", hop: hop(lab, node, lab.managementAddress(node)), via: [] };
}

export function newKey(): { privateKey: string; publicKey: string } {
  const secret = nacl.randomBytes(32);
  // As wg genkey does (RFC 7748, section 5): WireGuard shows a key in this form, whatever it was given.
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  const pair = nacl.box.keyPair.fromSecretKey(secret);
  const text = (key: Uint8Array): string => Buffer.from(key).toString("base64");
  return { privateKey: text(pair.secretKey), publicKey: text(pair.publicKey) };
}

const KEYS = new Map<string, ReturnType<typeof newKey>>();

/** The key pair of a node, the same as long as this process runs. */
export function keysOf(node: string): ReturnType<typeof newKey> {
  const keys = KEYS.get(node) ?? newKey();
  KEYS.set(node, keys);
  return keys;
}

/** The private keys of all nodes that were asked for, by node. */
export function privateKeys(): ReadonlyMap<string, string> {
  return new Map([...KEYS].map(([node, { privateKey }]) => [node, privateKey]));
}

/** What pushes and host scripts printed, by lab: the search for leaks reads it at the end. */
const PRINTED = new WeakMap<Lab, string[]>();

export function printedIn(lab: Lab): string[] {
  const printed = PRINTED.get(lab) ?? [];
  PRINTED.set(lab, printed);
  return printed;
}

/** A plain interface for a node; `peers` are more lines of the file. */
export function configOf(node: string, address: string, peers: string[] = []): string {
  const lines = ["[Interface]", `PrivateKey = ${keysOf(node).privateKey}`, `Address = ${address}`];
  return [...lines, "ListenPort = 51820", ...peers, ""].join("\n");
}

/** For root on the management network, with the lab's own SSH key, unless `change` says otherwise. */
export function requestFor(lab: Lab, node: string, change: Partial<PushRequest> = {}): PushRequest {
  return {
    version: 1,
    node,
    targets: change.targets ?? [managed(lab, node)],
    sshPrivateKey: lab.sshPrivateKey(),
    owner: `wireguard-mesh/${lab.id}`,
    machine: `machine-of-${node}`,
    interface: "wg0",
    config: configOf(node, "10.0.0.1/24"),
    forwarding: { ipv4: false, ipv6: false },
    probes: [],
    identity: null,
    rotation: null,
    ...change,
  };
}

/** Runs the push program on the operator. */
export async function push(
  lab: Lab,
  verb: "adopt" | "apply" | "remove",
  request: PushRequest,
  env: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  const input = JSON.stringify(request);
  const argv = ["node", PUSH_PROGRAM, verb];
  const finished = await lab.exec("operator", argv, { input, env, timeoutMs: 160_000 });
  printedIn(lab).push(finished.stdout, finished.stderr);
  return finished;
}

interface StartOptions {
  above?: string[];
  env?: NodeJS.ProcessEnv;
  verb?: "adopt" | "apply";
}

/** Starts it, below other programs if wanted. */
export function startPush(
  lab: Lab,
  request: PushRequest,
  { above = [], env = {}, verb = "apply" }: StartOptions = {},
): ChildProcess {
  const argv = [...above, process.execPath, PUSH_PROGRAM, verb];
  const child = lab.spawn("operator", argv, { stdio: "pipe", env });
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (piece: Buffer) => printedIn(lab).push(piece.toString()));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(JSON.stringify(request));
  return child;
}

/** The processes whose command line has a text in it, this one aside. */
export function processesWith(text: string): string[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const line = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    return line.includes(text) && Number(pid) !== process.pid ? [`${pid} ${line}`] : [];
  });
}

/** What a process shows to others: its command line and its environment. */
export function shownByProcesses(): string {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return files.map(readOrEmpty).join("\n");
}

function readOrEmpty(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    // The process has ended since, or the file is a socket.
    return "";
  }
}

export function textsBelow(folder: string): string {
  const entries = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.map((name) => `${name}\n${readOrEmpty(path.join(folder, name))}`).join("\n");
}
