/** Pushes to single hosts of the lab with the push program, without the engine. */
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { HostTarget, PushRequest, SshHop } from "../../../mesh/push-request";
import type { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { World } from "../../../scripts/lab/world";
import { newKeyPair, type PlainKeyPair } from "../../support/key-pairs";

export const PUSH_PROGRAM = path.join(__dirname, "../../../dist/scripts/push/main.js");

/** A relay on the internet, a desktop behind a router that forwards port 2222 to its sshd, a laptop behind another. */
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

/** An SSH hop to a host of the lab, as root, pinned to its real host key. */
export function hop(lab: Lab, node: string, address: string, port = 22): SshHop {
  return { user: "root", address, port, hostKeys: [lab.hostKey(node)], authority: null };
}

/** The target on the operator's management network. */
export function managed(lab: Lab, node: string): HostTarget {
  return { kind: "ssh", hop: hop(lab, node, lab.managementAddress(node)), via: [] };
}

const KEY_PAIRS = new Map<string, PlainKeyPair>();

/** The key pair of a node: random, but the same within this process. */
export function keyPairFor(node: string): PlainKeyPair {
  const keyPair = KEY_PAIRS.get(node) ?? newKeyPair();
  KEY_PAIRS.set(node, keyPair);
  return keyPair;
}

/** Node → private key, for all nodes that `keyPairFor` was called for. */
export function privateKeys(): ReadonlyMap<string, string> {
  return new Map([...KEY_PAIRS].map(([node, { privateKey }]) => [node, privateKey]));
}

/** Lab → the output of its pushes and host scripts, for the search for leaks. */
const OUTPUT = new WeakMap<Lab, string[]>();

export function recordedOutput(lab: Lab): string[] {
  const output = OUTPUT.get(lab) ?? [];
  OUTPUT.set(lab, output);
  return output;
}

/** A wg-quick file for a node; `peers`: more lines of the file. */
export function configOf(node: string, address: string, peers: string[] = []): string {
  const lines = [
    "[Interface]",
    `PrivateKey = ${keyPairFor(node).privateKey}`,
    `Address = ${address}`,
  ];
  return [...lines, "ListenPort = 51820", ...peers, ""].join("\n");
}

/** A push request for root on the management network, with the lab's SSH key; `change` overrides fields. */
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

/** Runs the push program on the operator and waits for it. */
export async function push(
  lab: Lab,
  verb: "adopt" | "apply" | "remove",
  request: PushRequest,
  env: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  const input = JSON.stringify(request);
  const argv = ["node", PUSH_PROGRAM, verb];
  const finished = await lab.exec("operator", argv, { input, env, timeoutMs: 160_000 });
  recordedOutput(lab).push(finished.stdout, finished.stderr);
  return finished;
}

interface StartOptions {
  wrapper?: string[];
  env?: NodeJS.ProcessEnv;
  verb?: "adopt" | "apply";
}

/** Starts the push program on the operator. `wrapper`: programs that start it. */
export function startPush(
  lab: Lab,
  request: PushRequest,
  { wrapper = [], env = {}, verb = "apply" }: StartOptions = {},
): ChildProcess {
  const argv = [...wrapper, process.execPath, PUSH_PROGRAM, verb];
  const child = lab.spawn("operator", argv, { stdio: "pipe", env });
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (piece: Buffer) => recordedOutput(lab).push(piece.toString()));
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(JSON.stringify(request));
  return child;
}

/** `PID COMMAND LINE` of all processes with this text in their command line, except this one. */
export function commandLinesWith(text: string): string[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const line = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    return line.includes(text) && Number(pid) !== process.pid ? [`${pid} ${line}`] : [];
  });
}

/** The command lines and environments of all processes. */
export function processListText(): string {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return files.map(readOrEmpty).join("\n");
}

function readOrEmpty(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    // The process has ended, or the file is a socket.
    return "";
  }
}

export function fileContents(folder: string): string {
  const entries = fs.readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.map((name) => `${name}\n${readOrEmpty(path.join(folder, name))}`).join("\n");
}
