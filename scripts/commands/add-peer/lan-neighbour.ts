/** Finds two machines that seem to be in one LAN, but are linked through their relay only. */
import {
  addressIn,
  contains,
  parsePrefix,
  type IpAddress,
  type Prefix,
} from "../../../mesh/addresses";
import type { NodePlan } from "../../../mesh/plan/plan";
import { wrapLines } from "../../cli/wrap";

interface LanNeighbour {
  name: string;
  /** The new node's address in that LAN. */
  address: string;
  /** The common prefix of their addresses; its true length is unknown. */
  lan: string;
  /** The site that the neighbour has already. */
  site: string | null;
}

const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(parsePrefix);

/** Null if there is none, or if the new node has a site or an endpoint, so the links are chosen deliberately. */
export function lanNeighbour(node: NodePlan, nodes: readonly NodePlan[]): LanNeighbour | null {
  if (node.site !== null || node.endpoint !== null) return null;
  for (const address of lanAddresses(node)) {
    const lan = lanOf(address);
    const found = nodes.find(
      (other) =>
        other.name !== node.name &&
        other.kind === "peer" &&
        other.endpoint === null &&
        lanAddresses(other).some((theirs) => contains(lan, theirs)),
    );
    if (found !== undefined)
      return { name: found.name, address: address.text, lan: lan.text, site: found.site };
  }
  return null;
}

export function siteHint(
  name: string,
  { name: neighbour, address, lan, site }: LanNeighbour,
): string {
  const same = site ?? "home";
  const both = site === null ? `give both \`site: ${same}\`` : `give ${name} \`site: ${same}\``;
  return wrapLines(
    `${name} and ${neighbour} seem to be in one LAN, ${lan}, and would talk through their relay. To link them directly: ${both}, and one of them \`siteEndpoint: ${address}:51820\` (add-peer has --site and --site-endpoint).`,
  );
}

function lanAddresses({ hosts }: NodePlan): IpAddress[] {
  return hosts.flatMap((host) => {
    const address = host.kind === "ssh" ? addressIn(host.address) : null;
    const isPrivate = address?.family === 4 && PRIVATE.some((prefix) => contains(prefix, address));
    return isPrivate ? [address] : [];
  });
}

function lanOf({ text }: IpAddress): Prefix {
  return parsePrefix(`${text.replace(/\.\d+$/, ".0")}/24`);
}
