/** Rules about `network.domain`: it should be private, and no endpoint or host may be a name in it. */
import { isPrivate } from "./domain";
import { hostsOf, type Draft, type NodeDraft } from "./draft";
import { error, warning, type Issue } from "./issue";
import { endpointOf } from "./rules-dialling";

export function domainIssues(draft: Draft): Issue[] {
  const { domain } = draft.network;
  if (domain === undefined) return [];
  const active = draft.nodes.filter((node) => node.active);
  const names = new Set(active.map(({ name }) => name));
  return [
    ...publicDomain(domain),
    ...active.flatMap((node) => innerNameIssues(node, { domain, names }, draft)),
  ];
}

function publicDomain(domain: string): Issue[] {
  if (isPrivate(domain)) return [];
  const message = `${domain} can be registered on the internet: its public names do not resolve in this network`;
  const remedy = "keep it if it is yours and holds nothing else; else use e.g. mesh.internal";
  return [warning("network.domain", message, remedy)];
}

/** The names that resolve to tunnel addresses. */
interface InnerNames {
  domain: string;
  /** The names of nodes, without the domain. */
  names: ReadonlySet<string>;
}

/** A name in the domain resolves to a tunnel address, so the tunnel or the SSH login would depend on the tunnel. */
function innerNameIssues(node: NodeDraft, { domain, names }: InnerNames, draft: Draft): Issue[] {
  const isFull = (host: string) => host === domain || host.endsWith(`.${domain}`);
  const isInside = (host: string) => isFull(host) || names.has(host);
  const endpoint = endpointOf(node, draft)?.host;
  const places = [
    ["endpoint", endpoint] as const,
    ["siteEndpoint", node.fields.siteEndpoint?.host] as const,
    ...hostsOf(node).map(
      (host) => ["host", host.kind === "ssh" ? host.address : undefined] as const,
    ),
  ];
  const inside = places.filter(([, host]) => host !== undefined && isInside(host));
  // An endpoint that is derived from the host is reported only at the host.
  const keys = inside.filter(([key]) => key === "host" || node.fields[key] !== undefined);
  return [...new Map(keys)].map(([key, host = ""]) => {
    const remedy = "use another name of the machine, or its address";
    if (isFull(host)) {
      const message = `${host} is in network.domain, whose names lead into the tunnel`;
      return error(`${node.path}.${key}`, message, remedy);
    }
    const message = `with network.domain, ${host} is the name of a node, and leads into the tunnel`;
    // ssh_config may have another address for it.
    const isLogin = key === "host" && host !== endpoint;
    return (isLogin ? warning : error)(`${node.path}.${key}`, message, remedy);
  });
}
