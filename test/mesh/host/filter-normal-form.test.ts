/** Two texts of an nft table are equal if they mean the same, and only then. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { tableDifference } from "../../../mesh/host/packet-filter/normal-form";
import { programs } from "../../support/programs";

const NAME = "inet wireguard-mesh-wg0";

function table(...rules: string[]): string[] {
  return [`table ${NAME} {`, "\tchain c {", ...rules.map((it) => `\t\t${it}`), "\t}", "}"];
}

/** A rule in the spelling of one version and of another. */
const SAME: [string, string][] = [
  ["ct state established,related accept", "ct state { related, established } accept"],
  ["ct state related,established accept", "ct state established,related accept"],
  ["tcp dport { 80, 443 } accept", "tcp dport {443,80}   accept"],
  ["ip saddr { 10.0.0.2, 10.0.0.1/32 } accept", "ip saddr { 10.0.0.1-10.0.0.2 } accept"],
  ["ip saddr { 10.0.0.0/24 } accept", "ip saddr 10.0.0.0/24 accept"],
  ["ip saddr 10.0.0.1/32 accept", "ip saddr 10.0.0.1 accept"],
  ["ip6 saddr fd00:0::1/128 accept", "ip6 saddr fd00::1 accept"],
  [
    "ip saddr vmap { 10.0.0.2 : drop, 10.0.0.1 : accept }",
    "ip saddr vmap { 10.0.0.1 : accept, 10.0.0.2 : drop }",
  ],
  [
    "ip saddr . ip daddr { 10.0.0.2 . 10.0.0.9, 10.0.0.1/32 . 10.0.0.9 } accept",
    "ip saddr . ip daddr { 10.0.0.1 . 10.0.0.9, 10.0.0.2 . 10.0.0.9 } accept",
  ],
  [
    "meta l4proto . th dport { udp . 53, tcp . 443 } accept",
    "meta l4proto . th dport { 6 . 443, 17 . 53 } accept",
  ],
  ["meta l4proto { icmp, ipv6-icmp } accept", "meta l4proto { 58, 1 } accept"],
  ["meta l4proto tcp accept", "meta l4proto 6 accept"],
  ["ip protocol udp accept", "ip protocol 17 accept"],
  ["meta l4proto tcp tcp dport 22 accept", "tcp dport 22 accept"],
  ["meta nfproto ipv4 ip saddr 10.0.0.1 accept", "ip saddr 10.0.0.1 accept"],
  ["meta nfproto ipv6 icmpv6 type echo-request accept", "icmpv6 type echo-request accept"],
  ["meta iifname wg0 accept", 'iifname "wg0" accept'],
  ["counter packets 5 bytes 700 accept", "counter accept"],
  ["reject with icmpx type admin-prohibited", "reject with icmpx admin-prohibited"],
  ["reject with icmpx type port-unreachable", "reject"],
  ["limit rate 10/second burst 5 packets accept", "limit rate 10/second accept"],
  [
    "tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu",
    "tcp flags syn / syn,rst tcp option maxseg size set rt mtu",
  ],
  [
    "type filter hook forward priority 0; policy accept;",
    "type filter hook forward priority filter; policy accept;",
  ],
  [
    "type nat hook postrouting priority srcnat + 1; policy accept;",
    "type nat hook postrouting priority 101; policy accept;",
  ],
];

/** Forms that mesh/render uses. */
const RENDERED = [
  "ct original ip saddr @s ct original ip daddr != @s accept",
  "ct original ip6 saddr fd00::/64 accept",
  "meta l4proto udp ct original proto-dst 5000-5010 accept",
  "meta nfproto ipv4 accept",
  'oifname "wg0" ct direction reply accept',
  "icmpv6 type { echo-request, echo-reply } accept",
  'iifname "wg0" tcp flags syn tcp option maxseg size set rt mtu',
];
const NAT = [
  'oifname != "wg0" oifname != "wg0-next" ip saddr @s ip daddr != @s masquerade',
  'oifname "wg0" ip saddr 192.168.1.0/24 snat ip prefix to 10.99.1.0/24',
];

const DIFFERENT: [string, string][] = [
  ["tcp dport { 80, 443 } accept", "tcp dport { 80, 444 } accept"],
  ["tcp dport 80 accept", "udp dport 80 accept"],
  ["ip saddr 10.0.0.1 accept", "ip daddr 10.0.0.1 accept"],
  ["ip saddr 10.0.0.1 accept", "ip saddr 10.0.0.0/31 accept"],
  ["ip saddr 10.0.0.1 accept", "ip saddr 10.0.0.1 drop"],
  ["ip saddr != 10.0.0.1 accept", "ip saddr 10.0.0.1 accept"],
  ["meta l4proto tcp accept", "accept"],
  ["meta nfproto ipv4 accept", "accept"],
  ["ip protocol tcp tcp dport 22 accept", "tcp dport 22 accept"],
  ["ip saddr vmap { 10.0.0.1 : accept }", "ip saddr vmap { 10.0.0.1 : drop }"],
  ['iifname "wg0" accept', 'iifname "wg1" accept'],
  ["ct state established accept", "ct state established,related accept"],
  [
    "type filter hook forward priority filter; policy accept;",
    "type filter hook forward priority filter; policy drop;",
  ],
  [
    "type filter hook forward priority filter; policy accept;",
    "type filter hook forward priority filter - 1; policy accept;",
  ],
];

describe("the normal form of an nft table", () => {
  for (const [one, other] of SAME) {
    it(`is equal for: ${one} | ${other}`, () => {
      assert.equal(tableDifference(table(one), table(other)), null);
    });
  }

  for (const [one, other] of DIFFERENT) {
    it(`is different for: ${one} | ${other}`, () => {
      const difference = tableDifference(table(one), table(other));
      assert.deepEqual([difference?.missing.length, difference?.extra.length], [1, 1]);
    });
  }

  it("ignores the order of blocks, but not of rules", () => {
    const blocks = (...names: string[]) => [
      `table ${NAME} {`,
      ...names.flatMap((name) => ["", `\tchain ${name} {`, "\t\taccept", "\t}"]),
      "}",
    ];
    assert.equal(tableDifference(blocks("a", "b"), blocks("b", "a")), null);
    assert.deepEqual(tableDifference(table("accept", "drop"), table("drop", "accept")), {
      missing: [],
      extra: [],
    });
  });

  it("names lines as nft prints them", () => {
    const rule = 'iifname { "a", "b" } log prefix "x, y" drop';
    assert.deepEqual(tableDifference(table(), table(rule))?.missing, [`chain c: ${rule}`]);
  });

  it("is made in linear time, whatever a host prints", () => {
    const parts = [
      "a , ",
      "{ ",
      "{ 1 , 2 } ",
      "} ",
      "tcp flags & ( ",
      '"',
      '" ',
      "|",
      "a|",
      "10.0.0.1 ",
    ];
    const more = [
      "meta l4proto tcp ",
      "9".repeat(50),
      "counter packets 1 ",
      "priority filter ",
      "log ",
    ];
    for (const part of [...parts, ...more]) {
      const one = table(part.repeat(400_000 / part.length));
      const started = process.cpuUsage();
      tableDifference(one, table("accept"));
      tableDifference(
        Array.from({ length: 20_000 }, () => part),
        one,
      );
      const { user } = process.cpuUsage(started);
      assert.ok(user < 3_000_000, `${part}: ${user} us`);
    }
  });

  it("names the lines that are missing and extra by their chain, also where one is there twice", () => {
    const is = table("ip saddr 10.0.0.1 accept", "drop", "drop");
    assert.deepEqual(tableDifference(is, table("ip saddr 10.0.0.1 accept", "counter", "drop")), {
      missing: ["chain c: counter"],
      extra: ["chain c: drop"],
    });
    assert.deepEqual(tableDifference([], table("drop"))?.missing, [
      `table ${NAME}`,
      `table ${NAME} chain c`,
      "chain c: drop",
    ]);
  });

  it("is the same before and after this machine's nft has taken and printed a table", function () {
    programs.require(this, "unshare");
    programs.require(this, "nft");
    programs.requireRoot(this);
    const rules = [...SAME.flat().filter((it) => !it.startsWith("type ")), ...RENDERED];
    const many = Array.from({ length: 40 }, (_, at) => `10.0.${at % 7}.${at * 5}`).join(", ");
    const wanted = [
      `table ${NAME} {`,
      ...["\tset s {", "\t\ttype ipv4_addr", `\t\telements = { ${many} }`, "\t}"],
      ...["\tset p {", "\t\ttype inet_proto . inet_service"],
      ...["\t\telements = { tcp . 443, udp . 53, tcp . 80 }", "\t}"],
      ...["\tchain nat {", "\t\ttype nat hook postrouting priority srcnat; policy accept;"],
      ...[...NAT.map((rule) => `\t\t${rule}`), "\t}"],
      ...table(...rules, "ip saddr @s meta l4proto . th dport @p accept").slice(1),
    ];
    const input = wanted.map((line) => `${line}\n`).join("");
    const script = `nft -f - && nft -s list table ${NAME}`;
    const printed = execFileSync("unshare", ["-n", "sh", "-c", script], {
      input,
      encoding: "utf8",
    });
    assert.equal(tableDifference(printed.split("\n"), wanted), null);
  });
});
