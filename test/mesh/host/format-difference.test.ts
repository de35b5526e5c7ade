/** The text of differences, the same as in earlier versions where the meaning is the same. */
import assert from "node:assert/strict";
import { differences } from "../../../mesh/host/differences";
import { Secret } from "../../../mesh/secret";
import { neighbour, peerOf, pushed, RELAY, wantedBy, differencesOn } from "./support/examples";
import {
  addAddress,
  addRoute,
  deleteAddress,
  deleteLink,
  deleteRoute,
  deviceOf,
  linkOf,
  newRoute,
  setUp,
  type Host,
  newPeer,
} from "./support/host";
import { freshHost } from "./support/hosts";
import { DNS_LINK, DNS_UNIT, HOSTS } from "./support/hosts-file";
import { IFACE, observe, SECOND } from "./support/observe";
import { currentKey, pairAt, type RequestDraw } from "./support/requests";

const FORWARDING: RequestDraw = { ...RELAY, ipv6: true, forwarding: { ipv4: true, ipv6: true } };
const NAMED: RequestDraw = { ...RELAY, names: [0], serves: true };
const NAMES_AT_BOOT = "names of nodes would be missing after a boot: their unit differs";
const TWO: RequestDraw = { ...RELAY, second: { key: 21, port: 51821 } };

describe("the text of a difference", () => {
  it("are none for a host that is as wanted", () => {
    assert.deepEqual(differencesOn(pushed()), []);
  });

  const edits: [
    what: string,
    edit: (host: Host) => void,
    expected: string[],
    draw?: RequestDraw,
  ][] = [
    [
      "a missing interface",
      (host) => {
        deleteLink(host, IFACE);
      },
      ["wg0 is missing"],
    ],
    [
      "an interface that is down",
      (host) => {
        setUp(host, IFACE, false);
      },
      ["wg0 is down", "the route to 192.168.10.0/24 is missing"],
    ],
    [
      "another owner",
      (host) => host.files.set("/var/lib/wireguard-mesh/wg0/owner", "x/y\nhost\nm\n"),
      ["wg0 belongs to x/y"],
    ],
    [
      "no owner",
      (host) => host.files.delete("/var/lib/wireguard-mesh/wg0/owner"),
      [
        "wg0 has no owner mark: wireguard-mesh did not set it up; it has this node's key, so the next push takes it over",
      ],
    ],
    [
      "no owner and another key",
      (host) => {
        host.files.delete("/var/lib/wireguard-mesh/wg0/owner");
        deviceOf(host, IFACE).privateKey = pairAt(19).privateKey;
      },
      ["wg0 exists, but has no owner mark: wireguard-mesh did not set it up"],
    ],
    [
      "another port",
      (host) => (deviceOf(host, IFACE).port = 1),
      ["listen port is 1, planned is 51820"],
    ],
    [
      "another key",
      (host) => (deviceOf(host, IFACE).privateKey = pairAt(19).privateKey),
      [`public key is ${pairAt(19).publicKey}, planned is ${pairAt(20).publicKey}`],
    ],
    ["another MTU", (host) => (linkOf(host, IFACE).mtu = 1300), ["MTU is 1300, planned is 1420"]],
    [
      "another address",
      (host) => {
        addAddress(host, IFACE, "10.9.9.9/24");
      },
      ["address 10.9.9.9/24 is not in the plan"],
    ],
    [
      "a missing address",
      (host) => {
        deleteAddress(host, IFACE, "10.86.0.1/24");
      },
      ["address 10.86.0.1/24 is missing", "the route to 192.168.10.0/24 is missing"],
    ],
    [
      "a missing peer",
      (host) => deviceOf(host, IFACE).peers.delete(currentKey(0)),
      ["peer peer0 is missing"],
    ],
    [
      "an unplanned peer",
      (host) => deviceOf(host, IFACE).peers.set(pairAt(23).publicKey, newPeer()),
      [`peer ${pairAt(23).publicKey} is not in the plan`],
    ],
    [
      "a removed LAN",
      (host) => peerOf(host, 1).allowedIps.delete("192.168.10.0/24"),
      ["allowed IP of peer peer1: 192.168.10.0/24 is missing"],
    ],
    [
      "another keepalive",
      (host) => (peerOf(host, 0).keepalive = 5),
      ["persistent keepalive of peer peer0 is 5, planned is off"],
    ],
    [
      "a preshared key",
      (host) => (peerOf(host, 0).presharedKey = "x"),
      ["preshared key of peer peer0 is not in the plan"],
    ],
    [
      "a route that is gone",
      (host) => {
        deleteRoute(host, "192.168.10.0/24", {});
      },
      ["the route to 192.168.10.0/24 is missing"],
    ],
    [
      "another route",
      (host) => {
        addRoute(host, newRoute("10.9.0.0/16", { dev: IFACE }), "add");
      },
      ["the route to 10.9.0.0/16 is not in the plan"],
    ],
    [
      "no forwarding",
      (host) => host.sysctls.set("net/ipv4/ip_forward", "0"),
      ["it does not forward IPv4"],
      FORWARDING,
    ],
    [
      "an edited file",
      (host) => host.files.set("/etc/wireguard/wg0.conf", "#\n"),
      ["/etc/wireguard/wg0.conf was edited by hand"],
    ],
    [
      "a deleted file",
      (host) => host.files.delete("/etc/wireguard/wg0.conf"),
      ["/etc/wireguard/wg0.conf is missing"],
    ],
    [
      "a disabled start at boot",
      (host) => {
        host.bootLinks.clear();
      },
      ["it would not be as planned after a boot: its unit or sysctl file differs"],
    ],
    [
      "names that are gone from /etc/hosts",
      (host) => host.files.set(HOSTS, "127.0.0.1 localhost\n"),
      ["the names of nodes are missing in /etc/hosts"],
      NAMED,
    ],
    [
      "a DNS server that was killed, and would not come back at boot",
      (host) => {
        host.dns = null;
        host.bootLinks.delete(DNS_LINK);
        host.files.delete(DNS_UNIT);
      },
      [NAMES_AT_BOOT, "its DNS server for the names of nodes is not running", NAMES_AT_BOOT],
      NAMED,
    ],
    [
      "a watcher that was killed",
      (host) => (host.watcherRuns = false),
      ["the watcher of the rotating keys is not running"],
      TWO,
    ],
    [
      "a timer for names and dates that was stopped",
      (host) => (host.tickerRuns = false),
      ["its periodic tasks (expiry dates of peers, names in endpoints) are not as planned"],
      { ...RELAY, neighbours: [neighbour(0, { expires: 100 })] },
    ],
    [
      "a second interface that is gone",
      (host) => {
        deleteLink(host, SECOND);
      },
      ["wg0-next is missing", "net/ipv4/conf/wg0-next/rp_filter is 1, planned is 2"],
      TWO,
    ],
    [
      "another port of a second interface",
      (host) => (deviceOf(host, SECOND).port = 9),
      ["listen port of wg0-next is 9, planned is 51821"],
      TWO,
    ],
    [
      "a missing peer of a second interface",
      (host) => deviceOf(host, SECOND).peers.delete(currentKey(0)),
      ["wg0-next: peer peer0 is missing"],
      TWO,
    ],
  ];
  for (const [what, edit, expected, draw = RELAY] of edits) {
    it(`name ${what}`, () => {
      const host = pushed(draw);
      edit(host);
      assert.deepEqual(differencesOn(host, draw), expected);
    });
  }

  it("are none for preshared keys that cannot be compared, if there is one", () => {
    const draw = { ...RELAY, neighbours: [neighbour(0, { presharedKey: 0 })] };
    const host = pushed(draw);
    const { main, ...rest } = wantedBy(draw);
    const peers = main.peers.map((peer) => ({ ...peer, presharedKey: Secret.sealed() }));
    const sealed = { ...rest, main: { ...main, peers } };
    assert.deepEqual(differences(observe(host, null), sealed), { live: [], boot: [] });
    peerOf(host, 0).presharedKey = null;
    assert.deepEqual(differences(observe(host, null), sealed).live, [
      { kind: "preshared-key", interface: IFACE, publicKey: currentKey(0), is: "missing" },
    ]);
  });

  it("name a change that is not confirmed", () => {
    assert.deepEqual(
      differencesOn(pushed(), RELAY, { pending: { token: "t", state: "applied" } }),
      ["a change is not confirmed"],
    );
  });

  it("name an endpoint that was left behind", () => {
    const draw = { ...RELAY, neighbours: [neighbour(0, { endpoint: "far.example.org:51820" })] };
    const host = pushed(draw);
    host.resolver.set("far.example.org", ["203.0.113.99"]);
    assert.deepEqual(differencesOn(host, draw), [
      "endpoint of peer peer0 is 203.0.113.5:51820, and no handshake for 180 s; far.example.org:51820 has another address now",
      "/etc/wireguard/wg0.conf is not as planned, which counts at the next boot",
    ]);
  });

  it("name what a push would make or change", () => {
    assert.deepEqual(differencesOn(freshHost())[0], "wg0 is missing");
    const other = differencesOn(pushed(), { ...RELAY, mtu: 1380 });
    assert.deepEqual(other, [
      "MTU is 1420, planned is 1380",
      "/etc/wireguard/wg0.conf is not as planned, which counts at the next boot",
      "the config that was confirmed last is another one",
    ]);
  });
});
