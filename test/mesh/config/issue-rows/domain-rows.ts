/** Issues of `network.domain`. */
import { Secret } from "../../../../mesh/secret";
import { hostKeyLine } from "../../../support/key-pairs";
import { changed, hostKey } from "../../../support/small-network";
import type { Row } from "./row";

const REMEDY = "use a domain that cannot be registered, e.g. mesh.internal";
const ANOTHER = "use another name of the machine, or its address";
const MDNS = "belongs to multicast DNS (RFC 6762): many systems ask no DNS server for it";
const LONG = `${"a23456789.".repeat(19)}internal`;

export const domainRows: Row[] = [
  ...wrong([
    ["mesh", '"mesh" has one label: it would hide everything else under .mesh', REMEDY],
    ["internal", '"internal" has one label: it would hide everything else under .internal', REMEDY],
    ["mesh.local", `"mesh.local" cannot be used: .local ${MDNS}`, REMEDY],
    ["Mesh.LOCAL", `"Mesh.LOCAL" cannot be used: .local ${MDNS}`, REMEDY],
    [
      "mesh.localhost",
      '"mesh.localhost" cannot be used: .localhost always leads to the machine itself (RFC 6761)',
      REMEDY,
    ],
    ["mesh.invalid", '"mesh.invalid" cannot be used: .invalid never resolves (RFC 6761)', REMEDY],
    ["mesh.onion", '"mesh.onion" cannot be used: .onion belongs to Tor (RFC 7686)', REMEDY],
    [
      "86.10.in-addr.arpa",
      '"86.10.in-addr.arpa" cannot be used: .arpa belongs to reverse lookups and the like (RFC 3172)',
      REMEDY,
    ],
    ["10.86.0.1", '"10.86.0.1" is not a DNS domain', REMEDY],
    ["mesh..internal", '"mesh..internal" is not a DNS domain', REMEDY],
    ["mesh.internal.", '"mesh.internal." is not a DNS domain', REMEDY],
    ["my_mesh.internal", '"my_mesh.internal" is not a DNS domain', REMEDY],
    ["mesh.internal\n127.0.0.1 a", '"mesh.internal?127.0.0.1 a" is not a DNS domain', REMEDY],
    ["", '"" is not a DNS domain', REMEDY],
    [
      LONG,
      `has ${LONG.length} characters, which leaves no room for the names of nodes`,
      "use at most 189 characters, e.g. mesh.internal",
    ],
    [7, "is a number, but should be text", "write e.g. mesh.internal"],
  ]),
  {
    title: "a domain that can be somebody's",
    raw: changed({ network: { domain: "mesh.example.org" } }),
    issues: [
      [
        "network.domain",
        "warning",
        "mesh.example.org can be registered on the internet: its public names do not resolve in this network",
        "keep it if it is yours and holds nothing else; else use e.g. mesh.internal",
      ],
    ],
  },
  ...["mesh.internal", "home.arpa", "mesh.home.arpa", "wg.example.lan", "MESH.Internal"].map(
    (domain): Row => ({
      title: `a domain that is nobody's: ${domain}`,
      raw: changed({ network: { domain } }),
      issues: [],
    }),
  ),
  {
    title: "machines that are dialled by a name of the tunnel",
    raw: changed({
      privateKeys: Secret.sealed(),
      network: { domain: "mesh.internal" },
      relays: { tokyo: { endpoint: "tokyo.mesh.internal:51820" } },
      peers: {
        desktop: { host: ["admin@192.168.1.20", "admin@desktop.mesh.internal"], hostKey },
        laptop: { site: "home", siteEndpoint: "mesh.internal:51820" },
      },
    }),
    issues: [
      [
        "peers.desktop.host",
        "error",
        "desktop.mesh.internal is in network.domain, whose names lead into the tunnel",
        ANOTHER,
      ],
      [
        "peers.laptop.siteEndpoint",
        "error",
        "mesh.internal is in network.domain, whose names lead into the tunnel",
        ANOTHER,
      ],
      [
        "relays.tokyo.endpoint",
        "error",
        "tokyo.mesh.internal is in network.domain, whose names lead into the tunnel",
        ANOTHER,
      ],
    ],
  },
  {
    title: "machines that are dialled by the name of a node, which every host has in /etc/hosts",
    raw: changed({
      privateKeys: Secret.sealed(),
      network: { domain: "mesh.internal" },
      relays: { tokyo: { endpoint: undefined, host: "root@tokyo", hostKey } },
      peers: {
        desktop: { host: ["admin@192.168.1.20", "admin@Desktop"], hostKey: hostKeyLine(1) },
        laptop: { endpoint: "laptop:51820" },
      },
    }),
    issues: [
      ["peers.desktop.host", "warning", leadsInside("desktop"), ANOTHER],
      ["peers.laptop.endpoint", "error", leadsInside("laptop"), ANOTHER],
      ["relays.tokyo.host", "error", leadsInside("tokyo"), ANOTHER],
    ],
  },
  {
    title: "machines that are dialled by the name of a node, without a domain",
    raw: changed({ relays: { tokyo: { endpoint: "tokyo:51820" } } }),
    issues: [],
  },
];

function leadsInside(host: string): string {
  return `with network.domain, ${host} is the name of a node, and leads into the tunnel`;
}

function wrong(values: [written: unknown, message: string, remedy: string][]): Row[] {
  return values.map(([written, message, remedy]) => ({
    title: `network.domain ${JSON.stringify(written).slice(0, 40)}`,
    raw: changed({ network: { domain: written } }),
    issues: [["network.domain", "error", message, remedy]],
  }));
}
