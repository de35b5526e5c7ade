/** A host that sends everything into the tunnel, by example: its steps, its file, its refusals and its differences as text. */
import assert from "node:assert/strict";
import {
  changeOn,
  decideOn,
  neighbour,
  pushed,
  refusalOn,
  RELAY,
  stepsText,
  differencesOn,
} from "./support/examples";
import {
  addAddress,
  addRoute,
  createWireGuard,
  deviceOf,
  newRoute,
  setUp,
  type Host,
} from "./support/host";
import { freshHost } from "./support/hosts";
import { ipLine } from "./support/ip-line";
import type { RequestDraw } from "./support/requests";

const ONE: RequestDraw = {
  ...RELAY,
  neighbours: [neighbour(0, { endpoint: "198.51.100.1:51820" }), neighbour(1)],
};
/** Everything goes to the first neighbour. */
const ALL: RequestDraw = { ...ONE, sendsAll: "proven" };
const LIVE = "/etc/wireguard/wg0.conf";

function without(host: Host, key: string, value: string): Host {
  host.sysctls.set(key, value);
  return host;
}

describe("a host that sends everything into the tunnel", () => {
  it("gets mark, table and rules on the running interface, and then the exit is checked", () => {
    assert.deepEqual(stepsText(changeOn(pushed(ONE), ALL), "apply"), [
      "wg wg0",
      ...["  [Interface]", "  FwMark = 0xca6c"],
      ...["  [Peer]", "  PublicKey = <peer0>", "  AllowedIPs = 0.0.0.0/0"],
      "  PersistentKeepalive = 0",
      "ip",
      ...["0.0.0.0/0", "10.86.0.21/32", "::/0"].map(
        (it) => `  route add ${it} dev wg0 table 51820`,
      ),
      "sysctl net/ipv4/conf/all/src_valid_mark 1",
      ...["ip", "  rule add priority 32764 table main suppress_prefixlength 0"],
      ...["ip", "  rule add priority 32765 not fwmark 0xca6c table 51820"],
      ...["ip6", "  rule add priority 32764 table main suppress_prefixlength 0"],
      ...["ip6", "  rule add priority 32765 not fwmark 0xca6c table 51820"],
      "ping 10.86.0.20",
      "reach 198.51.100.99",
    ]);
  });

  it("checks the exit when another peer becomes the exit", () => {
    const other = { ...ALL, neighbours: [neighbour(2, { endpoint: "198.51.100.2:51820" })] };
    const from = { ...ALL, neighbours: [neighbour(0, { endpoint: "198.51.100.1:51820" })] };
    const steps = stepsText(changeOn(pushed(from), other), "apply");
    assert.equal(steps.at(-1), "reach 198.51.100.99", steps.join("\n"));
  });

  it("does not check the exit for other changes", () => {
    const change = changeOn(pushed(ALL), { ...ALL, mtu: 1380 });
    assert.deepEqual(stepsText(change, "apply"), [
      ...["ip", "  link set mtu 1380 dev wg0", "ping 10.86.0.20"],
    ]);
  });

  it("has the same in its file, for wg-quick", () => {
    const file = (pushed(ALL).files.get(LIVE) ?? "").split("\n");
    const rules = [
      "rule add priority 32764 table main suppress_prefixlength 0",
      "rule add priority 32765 not fwmark 0xca6c table 51820",
    ];
    const both = [4, 6].flatMap((family) => rules.map((rule) => `ip -${family} ${rule} || true`));
    assert.deepEqual(
      file.filter((line) => /^(PostUp|PostDown|Table|FwMark)/.test(line)),
      [
        "PostUp = sysctl -q net.ipv4.conf.all.src_valid_mark=1 || echo 1 >/proc/sys/net/ipv4/conf/all/src_valid_mark || true",
        "PostUp = ip -6 route add ::/0 dev wg0 table 51820 || true",
        ...both.map((rule) => `PostUp = ${rule}`),
        ...both.map((rule) => `PostDown = ${rule.replace("rule add", "rule del")}`),
        ...["FwMark = 0xca6c", "Table = 51820"],
      ],
    );
  });

  it("keeps IPv4 alone where IPv6 is switched off", () => {
    const host = without(freshHost(), "net/ipv6/conf/default/disable_ipv6", "1");
    const steps = stepsText(changeOn(host, ALL), "apply").join("\n");
    assert.match(steps, /rule add priority 32765/);
    assert.doesNotMatch(steps, /ip6|::/);
  });

  it("uses its own default route again without a trace, except for a sysctl that others may need", () => {
    const host = pushed(ONE, pushed(ALL));
    const never = pushed(ONE);
    assert.deepEqual([host.rules, host.routes], [never.rules, never.routes]);
    assert.equal(deviceOf(host, "wg0").mark, null);
    assert.equal(host.files.get(LIVE), never.files.get(LIVE));
    assert.deepEqual(
      [...host.files.keys()].filter((path) => path.startsWith("/etc/sysctl.d")),
      [],
    );
  });

  for (const [what, edit, expected] of [
    [
      "rules",
      (host: Host) => {
        ipLine(host, "rule del priority 32765 not fwmark 0xca6c table 51820", 4);
        ipLine(host, "rule del priority 32764 table main suppress_prefixlength 0", 6);
      },
      [
        "the IPv4 rule that leads into the tunnel (not fwmark 0xca6c table 51820) is missing",
        "the IPv6 rule that leads into the tunnel (table main suppress_prefixlength 0) is missing",
      ],
    ],
    [
      "the way for IPv6",
      (host: Host) => {
        host.routes = host.routes.filter(({ prefix }) => prefix !== "::/0");
      },
      ["the route to ::/0 is missing"],
    ],
    [
      "the mark",
      (host: Host) => {
        deviceOf(host, "wg0").mark = null;
      },
      ["mark of its own packets is off, planned is 0xca6c"],
    ],
    [
      "the sysctl",
      (host: Host) => host.sysctls.set("net/ipv4/conf/all/src_valid_mark", "0"),
      ["net/ipv4/conf/all/src_valid_mark is 0, planned is 1"],
    ],
  ] as const) {
    it(`is repaired where ${what} is missing`, () => {
      const host = pushed(ALL);
      edit(host);
      assert.deepEqual(differencesOn(host, ALL), expected);
      pushed(ALL, host);
      assert.deepEqual(differencesOn(host, ALL), []);
      assert.equal(decideOn(host, ALL).kind, "nothing");
    });
  }

  it("is refused where another tunnel or rule uses the table or the mark", () => {
    const remedy =
      "\nsee there: ip rule; ip route show table 51820; wg show all fwmark. End that one (e.g. wg-quick down), or remove routeAll from host";
    const cause = (user: string) =>
      `routing table 51820 or the mark 0xca6c is used by ${user}: another tunnel may take all traffic of this host; nothing was changed`;
    const vpn = freshHost();
    createWireGuard(vpn, "vpn0");
    setUp(vpn, "vpn0", true);
    addRoute(vpn, newRoute("0.0.0.0/0", { dev: "vpn0", table: "51820" }), "add");
    assert.equal(refusalOn(vpn, ALL), cause("vpn0") + remedy);
    const marked = freshHost();
    createWireGuard(marked, "vpn0");
    deviceOf(marked, "vpn0").mark = "0xca6c";
    assert.equal(refusalOn(marked, ALL), cause("vpn0") + remedy);
    const ruled = freshHost();
    ipLine(ruled, "rule add priority 100 table 51820", 4);
    assert.equal(refusalOn(ruled, ALL), cause("the rule with priority 100") + remedy);
    assert.equal(decideOn(ruled, ONE).kind, "change");
  });

  it("is refused where IPv6 would go past a tunnel that can have none", () => {
    const host = without(freshHost(), "net/ipv6/conf/default/disable_ipv6", "1");
    addAddress(host, "eth0", "2001:db8::20/64");
    assert.equal(
      refusalOn(host, ALL),
      "IPv6 is switched off for new interfaces here, but eth0 has it: its traffic would go past the tunnel; nothing was changed\n" +
        "switch it off there (sysctl -w net.ipv6.conf.all.disable_ipv6=1), or on for all (sysctl -w net.ipv6.conf.default.disable_ipv6=0); see /etc/sysctl.d",
    );
  });

  it("is refused without ping, which checks the exit", () => {
    const see = ({ tools }: { tools: ReadonlySet<string> }) => ({
      tools: new Set([...tools].filter((it) => it !== "ping")),
    });
    assert.match(refusalOn(freshHost(), ALL, see), /^the host has no ping.*\ninstall iputils-ping/);
    assert.equal(decideOn(freshHost(), { ...ALL, sendsAll: "unproven" }, see).kind, "change");
  });
});
