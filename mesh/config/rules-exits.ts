/** Rules about exits, the peers that send all their traffic through one, and address translation. */
import { contains } from "../addresses";
import { tunnelPrefixes } from "./config";
import { tunnelsOf, homeOf, hostsOf, type Draft, type NodeDraft } from "./draft";
import { error, warning, type Issue } from "./issue";

export function exitIssues(draft: Draft): Issue[] {
  return draft.nodes.flatMap((node) => [
    ...(node.fields.exit === true ? natHostIssues(node, "exit") : []),
    ...(node.fields.exitCheck === undefined ? [] : exitCheckIssues(node, draft)),
    ...(node.fields.masquerade === true ? masqueradeIssues(node) : []),
    ...(node.fields.routeAll === true ? routeAllIssues(node, draft) : []),
    ...(node.fields.blockIpv6 === true ? blockIpv6Issues(node) : []),
    ...(node.fields.dns === undefined ? [] : dnsIssues(node)),
  ]);
}

/** Only a push can set up address translation. */
function natHostIssues(node: NodeDraft, key: "exit" | "masquerade"): Issue[] {
  if (hostsOf(node).length > 0) return [];
  const remedy = `add host: user@address, or remove ${key} and translate addresses on the machine by hand`;
  return [
    error(
      `${node.path}.${key}`,
      "needs a host: address translation is set up there by a push",
      remedy,
    ),
  ];
}

function masqueradeIssues(node: NodeDraft): Issue[] {
  if ((node.fields.subnets ?? []).length > 0) return natHostIssues(node, "masquerade");
  const message = "is for a node with LANs behind it, and this one has no subnets";
  return [error(`${node.path}.masquerade`, message, "add subnets, or remove masquerade")];
}

function routeAllIssues(node: NodeDraft, draft: Draft): Issue[] {
  if (!node.active) return [];
  return [...homeIssues(node, draft), ...leavingIssues(node, draft)];
}

function homeIssues(node: NodeDraft, draft: Draft): Issue[] {
  const path = `${node.path}.routeAll`;
  const home = homeOf(node, draft);
  if (home === null) {
    const remedy = "add a relay with exit: true, or remove routeAll";
    return [error(path, "needs a relay that lets its traffic out, and there is none", remedy)];
  }
  const relay = exitOf(node, draft);
  if (relay === undefined || relay.fields.exit === true) return [];
  const remedy = `set ${relay.path}.exit: true, or name an exit as its relay`;
  return [error(path, `its home relay, ${home}, is not an exit`, remedy)];
}

/** Only devices can leak IPv6: on a host, the push installs rules that block IPv6 outside the tunnel. */
function leavingIssues(node: NodeDraft, draft: Draft): Issue[] {
  return hostsOf(node).length === 0 ? leakIssues(node, draft) : untestedExitIssues(node, draft);
}

function untestedExitIssues(node: NodeDraft, draft: Draft): Issue[] {
  const relay = exitOf(node, draft);
  if (relay?.fields.exit !== true || relay.fields.exitCheck !== undefined) return [];
  const message =
    "is tested only as far as the relay: if the exit does not let this host out, the push does not notice, and the host reaches only its own network and the tunnel";
  const remedy = `name an address beyond the exit that answers a ping, e.g. ${relay.path}.exitCheck: 9.9.9.9`;
  return [warning(`${node.path}.routeAll`, message, remedy)];
}

function exitOf(node: NodeDraft, draft: Draft): NodeDraft | undefined {
  const home = homeOf(node, draft);
  return draft.nodes.find(({ kind, name }) => kind === "relay" && name === home);
}

/** A ping to an address in the tunnel would not test the exit. */
function exitCheckIssues({ path, fields }: NodeDraft, draft: Draft): Issue[] {
  const at = `${path}.exitCheck`;
  const alone = error(at, "is for an exit", "set exit: true, or remove exitCheck");
  const tunnels = tunnelPrefixes(tunnelsOf(draft));
  const inside = (fields.exitCheck ?? []).filter((address) =>
    tunnels.some((prefix) => contains(prefix, address)),
  );
  return [
    ...(fields.exit === true ? [] : [alone]),
    ...inside.map(({ text }) =>
      error(
        at,
        `${text} is in the tunnel, not beyond the exit`,
        "use an address on the internet that answers a ping, e.g. 9.9.9.9",
      ),
    ),
  ];
}

function leakIssues(node: NodeDraft, { network }: Draft): Issue[] {
  const { address6, blockIpv6, dns } = node.fields;
  const leaks = (address6 === undefined || network.cidr6 === undefined) && blockIpv6 !== true;
  const ipv6 = warning(
    `${node.path}.routeAll`,
    "covers IPv4 only: in a network that has IPv6, the device's IPv6 traffic goes past the tunnel",
    "give the network cidr6, and this peer and its relay address6; or set blockIpv6: true, so that it has no IPv6",
  );
  const lookups = warning(
    `${node.path}.dns`,
    "is missing: the device may ask the DNS server of the network that it is in, past the tunnel",
    "set it to a server that you trust, e.g. dns: [9.9.9.9]",
  );
  // The relay is an exit, so it is pushed to, and with a domain it answers DNS queries.
  const asksRelay = network.domain !== undefined;
  return [...(leaks ? [ipv6] : []), ...(dns === undefined && !asksRelay ? [lookups] : [])];
}

function blockIpv6Issues({ path, fields }: NodeDraft): Issue[] {
  const { routeAll, address6 } = fields;
  const remedy = "set routeAll: true, or remove blockIpv6";
  const alone = error(`${path}.blockIpv6`, "is for a peer with routeAll", remedy);
  const unused = error(
    `${path}.blockIpv6`,
    "is for a peer without IPv6, and this one has an address6",
    "remove one of the two",
  );
  return [...(routeAll === true ? [] : [alone]), ...(address6 === undefined ? [] : [unused])];
}

/** wg-quick(8) needs resolvconf for `DNS`, which many hosts do not have. */
function dnsIssues(node: NodeDraft): Issue[] {
  if (hostsOf(node).length === 0) return [];
  const message = "is for devices: the DNS servers of a host are not changed by a push";
  return [error(`${node.path}.dns`, message, "remove dns, and set the servers on the host")];
}
