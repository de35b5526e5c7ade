/** Builds a layout on the machine: namespaces, cables, routers, hosts; and pulls a cable out and in again. */
import * as fs from "node:fs";
import * as path from "node:path";
import { endNamespaces } from "./clean-up";
import { bootHost } from "./host";
import type { RunningHost } from "./host";
import type { Cable, LaidNode, Layout } from "./layout";
import {
  cableLines,
  holderOf,
  interfaceLines,
  namespaceLine,
  plugLines,
  routerRules,
  unplugLine,
} from "./network-text";
import { forAll, must, run } from "./process";
import { findRepository } from "./repository";
import { makeStateFolder } from "./state";
import type { StateFolder } from "./state";

/** Booting is mostly waiting for other processes; more at once than this gains nothing on few cores. */
const WIDTH = 8;

/** Resolves when every host lets itself be logged in to. */
export async function buildWorld(
  layout: Layout,
  folder: StateFolder,
): Promise<Record<string, RunningHost>> {
  makeStateFolder(folder);
  await must(["mount", "-t", "tmpfs", "-o", "mode=700", "wireguard-mesh-lab", folder.disks]);
  await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", folder.sshKey]);
  await batch([
    ...layout.nodes.map(namespaceLine),
    ...layout.nodes.flatMap((node) => cableLines(layout, node)),
  ]);
  await forAll(layout.nodes, WIDTH, (node) => configure(layout, node));
  const running: Record<string, RunningHost> = {};
  const hosts = layout.nodes.filter((node) => node.kind === "host");
  await forAll(hosts, WIDTH, async (node) => {
    running[node.name] = await bootHost(folder, node, authorizedKey(folder));
  });
  return running;
}

/** Gives a host that was taken down its namespace and cables again and boots it from its disk. */
export async function bootNode(
  layout: Layout,
  folder: StateFolder,
  node: LaidNode,
): Promise<RunningHost> {
  await batch([namespaceLine(node), ...cableLines(layout, node)]);
  await configure(layout, node);
  await replug(layout, node);
  return bootHost(folder, node, authorizedKey(folder));
}

/** Ends a host's processes and its namespace, cables included; its disk stays. */
export async function takeDown(layout: Layout, node: LaidNode): Promise<void> {
  // A namespace takes its cables along, but in the kernel's own time: until then their other ends still have their names.
  for (const cable of node.cables) {
    await run(["ip", "-n", holderOf(layout, cable).namespace, "link", "del", cable.into.port]);
  }
  return endNamespaces([node.namespace]);
}

/** Takes all of a node's cables out of the bridges of others. */
export async function unplug(layout: Layout, node: LaidNode): Promise<void> {
  await atBridges(layout, node, (cable) => [unplugLine(cable)]);
}

export async function replug(layout: Layout, node: LaidNode): Promise<void> {
  await atBridges(layout, node, plugLines);
}

async function atBridges(
  layout: Layout,
  node: LaidNode,
  lines: (cable: Cable) => string[],
): Promise<void> {
  for (const cable of node.cables) {
    await batch(lines(cable), ["ip", "-n", holderOf(layout, cable).namespace]);
  }
}

async function configure(layout: Layout, node: LaidNode): Promise<void> {
  const script = path.join(findRepository(), "scripts/lab/netns.sh");
  const enter = ["ip", "netns", "exec", node.namespace];
  await must([...enter, "sh", script, node.forwards ? "1" : "0"], {
    input: text(interfaceLines(layout, node)),
  });
  if (node.nat !== undefined)
    await must([...enter, "nft", "-f", "-"], { input: routerRules(node.nat) });
}

async function batch(lines: string[], ip: string[] = ["ip"]): Promise<void> {
  await must([...ip, "-batch", "-"], { input: text(lines) });
}

function text(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function authorizedKey(folder: StateFolder): string {
  return fs.readFileSync(`${folder.sshKey}.pub`, "utf8").trim();
}
