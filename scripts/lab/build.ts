/** Builds a layout: namespaces, cables, routers, hosts. Also disconnects and reconnects a node's cables. */
import * as fs from "node:fs";
import * as path from "node:path";
import { endNamespaces } from "./clean-up";
import { bootHost } from "./host";
import type { RunningHost } from "./host";
import type { Cable, NodeLayout, Layout } from "./layout";
import {
  cableLines,
  bridgeNode,
  interfaceLines,
  namespaceLine,
  plugLines,
  routerRules,
  unplugLine,
} from "./network-text";
import { forEachLimited, runOrThrow, run } from "./process";
import { findRepository } from "./repository";
import { makeStateFolder } from "./state";
import type { StateFolder } from "./state";

/** How many nodes are set up at a time; more is not faster on few cores. */
const WIDTH = 8;

/** Resolves when every host accepts SSH logins. */
export async function buildWorld(
  layout: Layout,
  folder: StateFolder,
): Promise<Record<string, RunningHost>> {
  makeStateFolder(folder);
  await runOrThrow(["mount", "-t", "tmpfs", "-o", "mode=700", "wireguard-mesh-lab", folder.disks]);
  await runOrThrow([
    "ssh-keygen",
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-C",
    "lab",
    "-f",
    folder.sshKey,
  ]);
  await batch([
    ...layout.nodes.map(namespaceLine),
    ...layout.nodes.flatMap((node) => cableLines(layout, node)),
  ]);
  await forEachLimited(layout.nodes, WIDTH, (node) => configure(layout, node));
  const running: Record<string, RunningHost> = {};
  const hosts = layout.nodes.filter((node) => node.kind === "host");
  await forEachLimited(hosts, WIDTH, async (node) => {
    running[node.name] = await bootHost(folder, node, authorizedKey(folder));
  });
  return running;
}

/** Boots a stopped host from its disk, with a new namespace and cables. */
export async function restartHost(
  layout: Layout,
  folder: StateFolder,
  node: NodeLayout,
): Promise<RunningHost> {
  await batch([namespaceLine(node), ...cableLines(layout, node)]);
  await configure(layout, node);
  await replug(layout, node);
  return bootHost(folder, node, authorizedKey(folder));
}

/** Ends a host's processes and deletes its namespace and cables; its disk stays. */
export async function stopHost(layout: Layout, node: NodeLayout): Promise<void> {
  // The kernel deletes a namespace's cables asynchronously; until then the names of their other ends are taken.
  for (const cable of node.cables) {
    await run(["ip", "-n", bridgeNode(layout, cable).namespace, "link", "del", cable.into.port]);
  }
  return endNamespaces([node.namespace]);
}

/** Removes the far ends of a node's cables from their bridges. */
export async function unplug(layout: Layout, node: NodeLayout): Promise<void> {
  await atBridges(layout, node, (cable) => [unplugLine(cable)]);
}

export async function replug(layout: Layout, node: NodeLayout): Promise<void> {
  await atBridges(layout, node, plugLines);
}

async function atBridges(
  layout: Layout,
  node: NodeLayout,
  lines: (cable: Cable) => string[],
): Promise<void> {
  for (const cable of node.cables) {
    await batch(lines(cable), ["ip", "-n", bridgeNode(layout, cable).namespace]);
  }
}

async function configure(layout: Layout, node: NodeLayout): Promise<void> {
  const script = path.join(findRepository(), "scripts/lab/netns.sh");
  const enter = ["ip", "netns", "exec", node.namespace];
  await runOrThrow([...enter, "sh", script, node.forwards ? "1" : "0"], {
    input: text(interfaceLines(layout, node)),
  });
  if (node.nat !== undefined)
    await runOrThrow([...enter, "nft", "-f", "-"], { input: routerRules(node.nat) });
}

async function batch(lines: string[], ip: string[] = ["ip"]): Promise<void> {
  await runOrThrow([...ip, "-batch", "-"], { input: text(lines) });
}

function text(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function authorizedKey(folder: StateFolder): string {
  return fs.readFileSync(`${folder.sshKey}.pub`, "utf8").trim();
}
