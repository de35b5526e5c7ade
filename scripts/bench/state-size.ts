/** How much of the state each node takes. */
import * as fs from "node:fs";
import type { PushRequest } from "../../mesh/push-request";
import { median } from "./figures";

export interface StateSize {
  /** Of the whole file. */
  bytes: number;
  resources: number;
  /** Medians over the peers that are pushed to, and over the devices. */
  eachHost: number;
  eachDevice: number;
  /** The most that a pushed node, the relay too, takes beyond 8 times its config. */
  beyondConfig: number;
}

interface State {
  checkpoint: { latest: { resources: { urn: string; type: string }[] } };
}

export function stateSizeOf(file: string, requests: ReadonlyMap<string, PushRequest>): StateSize {
  const text = fs.readFileSync(file, "utf8");
  const sizes = new Map<string, number>();
  const { checkpoint } = JSON.parse(text) as State;
  for (const resource of checkpoint.latest.resources) {
    const node = nodeOf(resource.urn);
    const bytes = JSON.stringify(resource).length;
    if (node !== null) sizes.set(node, (sizes.get(node) ?? 0) + bytes);
  }
  const pushed = [...requests.keys()];
  const size = (node: string): number => sizes.get(node) ?? NaN;
  const beyond = pushed.map((node) => size(node) - 8 * (requests.get(node)?.config.length ?? 0));
  const peers = [...sizes.keys()].filter((node) => node !== "relay");
  return {
    bytes: text.length,
    resources: checkpoint.latest.resources.length,
    eachHost: median(peers.filter((node) => requests.has(node)).map(size)),
    eachDevice: median(peers.filter((node) => !requests.has(node)).map(size)),
    beyondConfig: Math.max(...beyond),
  };
}

/** From `urn:…::wireguard-mesh:index:Network$wireguard-mesh:index:Peer::laptop`, or `…::laptop-push-command`. */
function nodeOf(urn: string): string | null {
  const [, name] = /:(?:Peer|Relay)(?:\$.*)?::([^:]+)$/.exec(urn) ?? [];
  return name?.replace(/-push-command$/, "") ?? null;
}
