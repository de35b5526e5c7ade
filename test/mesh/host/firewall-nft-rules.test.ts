/** Single rules of nft(8): whether they surely accept, or surely drop, packets to the port. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { firewallFindings, type TunnelNeeds } from "../../../mesh/host/firewall";

const NEEDS: TunnelNeeds = {
  interface: "wg0",
  listenPort: 51820,
  outerDevice: "eth0",
  forwards: false,
  forwards6: false,
  tunnel: [],
};

/** Whether the port is reported as blocked by one rule in an input chain; other chains may follow. */
function isBlocked(rule: string, policy: "accept" | "drop", more = ""): boolean {
  const lines = `
table inet mine {
	chain in {
		type filter hook input priority filter; policy ${policy};
		${rule}
	}
	${more}
}`;
  return firewallFindings({ nft: lines.split("\n"), iptables: [] }, NEEDS).length > 0;
}

describe("a rule of nft", () => {
  /** Conditions that the packet surely meets, surely does not meet, or may meet. */
  const yes = [
    "",
    "counter packets 1 bytes 84",
    'counter name "c"',
    'comment "accept this"',
    'log prefix "drop { accept } " level warn flags tcp sequence,options flags ip options',
    "log flags all counter packets 1 bytes 84",
    'log prefix "x" group 2 snaplen 64 queue-threshold 3',
    "udp dport 51820",
    "udp dport { 53, 51000-52000 }",
    "udp dport >= 1024",
    "udp dport < 51821",
    "udp dport != { 53, 80 }",
    "th dport 51820",
    'iifname "eth*"',
    'iif "eth0"',
    'meta iifname != "wg0"',
    "meta l4proto udp",
    "meta l4proto != { tcp, icmp }",
    "ip protocol 17",
    "meta nfproto ipv4",
    "meta protocol { ip, ip6 }",
    "ct state new",
    "ct state new,untracked",
    "ct state != invalid",
    "ct state ! established,related",
    "ct status != dnat",
    "ip saddr != 198.51.100.0/24",
    "ip saddr 0.0.0.0/0",
  ];
  const no = [
    "udp dport 53",
    "udp dport 1-1023",
    "udp dport > 51820",
    "udp dport <= 51819",
    "tcp dport 51820",
    "sctp dport 51820",
    "icmp type echo-request",
    "ip6 saddr fe80::/10",
    "ip6 nexthdr udp",
    "icmpv6 type { nd-router-advert, nd-neighbor-solicit }",
    'iifname "lo"',
    'iifname { "lo", "docker*" }',
    "meta l4proto { tcp, icmp }",
    "meta nfproto ipv6",
    "meta protocol ip6",
    "ct state established,related",
    "ct state { established, invalid }",
    "ct status dnat",
    "ip saddr 198.51.100.0/24",
    "ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0-192.168.255.255 }",
    "meta mark 7 udp dport 53",
    "limit rate 10/second burst 5 packets udp dport 53",
    "limit rate 10 mbytes/second burst 5 mbytes tcp dport 53",
    "fib daddr type local udp dport 53",
    "fib saddr . iif oif missing udp dport 53",
    "tcp flags syn / fin,syn,rst,ack",
    "tcp flags & (fin | syn) == syn",
  ];
  const maybe = [
    "meta mark 7",
    "meta mark & 0x000000ff == 0x00000001",
    "meta mark set 0x00000007",
    'meta hour "10:00"-"12:00"',
    "udp sport 53",
    "udp dport @ports",
    "udp dport domain",
    "ct state untracked",
    "ct state != established | related",
    "ct original ip saddr 1.2.3.4",
    "ct count over 5",
    "fib daddr type local",
    "fib saddr . iif oif missing",
    "limit rate 10/second",
    'limit name "l"',
    "ip daddr 192.0.2.1",
    "ip saddr @banned",
    "ip saddr { 0.0.0.0/1, 128.0.0.0/1 }",
    "ip saddr . udp dport { 1.2.3.4 . 51820 }",
    "ip saddr 198.51.100.7 udp dport 51820",
    "udp dport 51820 ip saddr != 198.51.100.7",
    'oifname "wg0"',
    "iif 7",
    'xt match "addrtype"',
    "#match-set mine src counter packets 0 bytes 0",
    "something new",
    "meter foo size 65535 { ip saddr limit rate 5/second drop }",
    "@th,16,16 0xca6c",
  ];
  const expectations: [string, string[], boolean, boolean][] = [
    ["surely applies", yes, false, true],
    ["surely does not apply", no, true, false],
    ["may apply", maybe, false, false],
  ];
  for (const [what, conditions, blockedWithout, blockedWith] of expectations) {
    for (const condition of conditions) {
      it(`${what}: ${condition || "(no condition)"}`, () => {
        assert.equal(isBlocked(`${condition} accept`, "drop"), blockedWithout, "accept");
        assert.equal(isBlocked(`${condition} drop`, "accept"), blockedWith, "drop");
        assert.equal(isBlocked(`${condition} reject with icmpx 3`, "accept"), blockedWith);
      });
    }
  }

  const other = "\tchain other {\n\t\tudp dport 51820 accept\n\t\ttcp dport 1 drop\n\t}";
  const opens: [string, string][] = [
    ["jump to a chain that accepts", "jump other"],
    ["goto a chain that accepts", "goto other"],
    ["queue to a program", "queue flags bypass to 1"],
    ["jump to a chain that is not in the output", "jump missing"],
    ["verdict map with an accept", "udp dport vmap { 53 : drop, 51820 : accept }"],
    ["verdict map with a range and a jump", "udp dport vmap { 51000-52000 : jump other }"],
    ["verdict map of interfaces", 'iifname vmap { "lo" : accept, "eth0" : goto other }'],
    ["verdict map with all others", 'iifname vmap { "lo" : drop, * : accept }'],
    ["verdict map of several fields", 'iifname . udp dport vmap { "eth0" . 51820 : accept }'],
    ["named verdict map", "udp dport vmap @services"],
    ["target of iptables that is not known", 'meta l4proto udp xt target "MAGIC"'],
  ];
  for (const [what, rule] of opens) {
    it(`opens the port: ${what}`, () => {
      assert.equal(isBlocked(rule, "drop", other), false);
    });
  }

  const closed: [string, string][] = [
    ["jump to another port's chain", "udp dport 53 jump other"],
    ["verdict map without our port", "udp dport vmap { 53 : accept, 67-68 : accept }"],
    ["verdict map with a drop", "udp dport vmap { 51820 : drop, * : accept }"],
    ["verdict map of states", "ct state vmap { established : accept, invalid : drop }"],
    ["verdict map of another protocol", "tcp dport vmap { 51820 : accept }"],
    ["continue", "udp dport 51820 continue"],
    ["verdict map with a continue", "udp dport vmap { 51820 : continue }"],
    ["return", "return\n\t\taccept"],
    ["only a remark", 'counter packets 0 bytes 0 log prefix "accept"'],
    ["target that only marks", 'xt target "MARK"'],
  ];
  for (const [what, rule] of closed) {
    it(`leaves the port closed: ${what}`, () => {
      assert.equal(isBlocked(rule, "drop", other), true);
    });
  }

  it("applies with the rules of a chain without a name", () => {
    const nested = (rule: string): string => `udp dport 51820 jump {\n\t\t\t${rule}\n\t\t}`;
    assert.equal(isBlocked(nested("accept"), "drop"), false);
    assert.equal(isBlocked(nested('iifname "lo" accept'), "drop"), true);
    assert.equal(isBlocked(nested("drop"), "accept"), true);
    assert.equal(isBlocked(`${nested("return")}\n\t\taccept`, "drop"), false);
  });

  it("may have a set over several lines", () => {
    assert.equal(isBlocked("udp dport {\n\t\t\t53,\n\t\t\t51820 } accept", "drop"), false);
    assert.equal(isBlocked("udp dport {\n\t\t\t53,\n\t\t\t67 } accept", "drop"), true);
  });

  it("counts only in a table that is in use, and of IPv4", () => {
    const chain = "\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}";
    const blocked = (head: string): boolean => {
      const nft = `${head}\n${chain}`.split("\n");
      return firewallFindings({ nft, iptables: [] }, NEEDS).length > 0;
    };
    assert.equal(blocked("table ip mine {"), true);
    assert.equal(blocked("table inet mine { # handle 7"), true);
    assert.equal(blocked("table inet mine {\n\tflags dormant\n"), false);
    assert.equal(blocked("table ip6 mine {"), false);
    assert.equal(blocked("table bridge mine {"), false);
    assert.equal(blocked("table netdev mine {"), false);
  });

  it("does not count in a chain of another type or hook", () => {
    for (const type of ["nat hook input", "filter hook output", "filter hook prerouting"]) {
      const nft = `table ip t {\n\tchain c {\n\t\ttype ${type} priority 0; policy drop;\n\t}\n}`;
      assert.deepEqual(firewallFindings({ nft: nft.split("\n"), iptables: [] }, NEEDS), []);
    }
  });
});

describe("the output of nft 1.0.6 for rules of all kinds", () => {
  it("is read to the last rule, which decides", () => {
    const text = readFileSync(path.join(__dirname, "firewalls", "all-kinds.nft"), "utf8");
    const blocked = (nft: string): boolean =>
      firewallFindings({ nft: nft.split("\n"), iptables: [] }, NEEDS).length > 0;
    assert.equal(blocked(text), true);
    assert.equal(blocked(text.replace("udp dport 51821", "udp dport 51820")), false);
  });
});
