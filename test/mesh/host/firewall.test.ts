/** The packet filters of common tools that are reported as blocking, and the text of the reports. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { firewallFindings, firewallWords, type TunnelNeeds } from "../../../mesh/host/firewall";

/**
 * Output of `nft list ruleset` and `iptables-save`: captured for ufw 0.36 and Docker, written by hand for firewalld, Tailscale
 * and plain.
 */
const FIXTURES = path.join(__dirname, "firewalls");

interface Rules {
  nft?: string;
  iptables?: string;
}

const NEEDS: TunnelNeeds = {
  interface: "wg0",
  listenPort: 51820,
  outerDevice: "eth0",
  forwards: true,
  forwards6: false,
  tunnel: ["10.86.0.0/24"],
};

function findings(rules: Rules, needs: Partial<TunnelNeeds> = {}): string[] {
  const output = {
    nft: (rules.nft ?? "").split("\n"),
    iptables: (rules.iptables ?? "").split("\n"),
  };
  const all = { ...NEEDS, ...needs };
  return firewallFindings(output, all).map((finding) => firewallWords(finding, all));
}

function fixture(name: string): string {
  return readFileSync(path.join(FIXTURES, name), "utf8");
}

const blocks = (chain: string, table: string, what: string): string =>
  `a firewall on this host (chain ${chain} of ${table}) ${what}: `;
const blocksInput = (chain: string, table: string): string =>
  blocks(chain, table, "lets no UDP in at port 51820, where others dial it");
const blocksForward = (chain: string, table: string): string =>
  blocks(chain, table, "lets nothing through from wg0 to wg0");
const blocksTunnel = (chain: string, table: string): string =>
  blocks(chain, table, "drops what comes out of the tunnel");
const blocksPings = (chain: string, table: string): string =>
  blocks(chain, table, "drops the pings that come out of the tunnel");

describe("a blocking firewall", () => {
  const cases: [string, Rules, string[]][] = [
    [
      "ufw with iptables-nft",
      { nft: fixture("ufw.nft") },
      [
        `${blocksInput("INPUT", "ip/filter")}sudo ufw allow 51820/udp`,
        `${blocksForward("FORWARD", "ip/filter")}sudo ufw route allow in on wg0 out on wg0`,
      ],
    ],
    [
      "ufw with iptables-legacy",
      { iptables: fixture("ufw.iptables") },
      [
        `${blocksInput("INPUT", "iptables/filter")}sudo ufw allow 51820/udp`,
        `${blocksForward("FORWARD", "iptables/filter")}sudo ufw route allow in on wg0 out on wg0`,
      ],
    ],
    [
      "ufw with iptables-nft, which prints the same rules twice",
      { nft: fixture("ufw.nft"), iptables: fixture("ufw.iptables") },
      [
        `${blocksInput("INPUT", "ip/filter")}sudo ufw allow 51820/udp`,
        `${blocksForward("FORWARD", "ip/filter")}sudo ufw route allow in on wg0 out on wg0`,
      ],
    ],
    [
      "Docker's FORWARD",
      { nft: fixture("docker.nft") },
      [
        `${blocksForward("FORWARD", "ip/filter")}sudo iptables -I DOCKER-USER -i wg0 -j ACCEPT && sudo iptables -I DOCKER-USER -o wg0 -j ACCEPT # and keep them`,
      ],
    ],
    [
      "Docker's FORWARD with iptables-legacy",
      { iptables: fixture("docker.iptables") },
      [
        `${blocksForward("FORWARD", "iptables/filter")}sudo iptables -I DOCKER-USER -i wg0 -j ACCEPT && sudo iptables -I DOCKER-USER -o wg0 -j ACCEPT # and keep them`,
      ],
    ],
    [
      "firewalld",
      { nft: fixture("firewalld.nft") },
      [
        `${blocksInput("filter_INPUT", "inet/firewalld")}sudo firewall-cmd --permanent --add-port=51820/udp && sudo firewall-cmd --reload`,
        `${blocksForward("filter_FORWARD", "inet/firewalld")}sudo firewall-cmd --permanent --zone=trusted --add-interface=wg0 && sudo firewall-cmd --reload`,
      ],
    ],
    [
      "a plain rule set",
      { nft: fixture("plain.nft") },
      [
        `${blocksInput("input", "inet/filter")}sudo nft insert rule inet filter input udp dport 51820 accept # and keep it in /etc/nftables.conf`,
        `${blocksForward("forward", "inet/filter")}sudo nft insert rule inet filter forward iifname wg0 oifname wg0 accept # and keep it in /etc/nftables.conf`,
      ],
    ],
    [
      "a plain rule set in a table that is called as that of iptables",
      { nft: fixture("plain.nft").replace("table inet filter", "table ip filter") },
      [
        `${blocksInput("input", "ip/filter")}sudo nft insert rule ip filter input udp dport 51820 accept # and keep it in /etc/nftables.conf`,
        `${blocksForward("forward", "ip/filter")}sudo nft insert rule ip filter forward iifname wg0 oifname wg0 accept # and keep it in /etc/nftables.conf`,
      ],
    ],
    [
      "iptables with policies",
      { iptables: "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\nCOMMIT" },
      [
        `${blocksInput("INPUT", "iptables/filter")}sudo iptables -I INPUT -p udp --dport 51820 -j ACCEPT # and keep it: iptables-save`,
        `${blocksForward("FORWARD", "iptables/filter")}sudo iptables -I FORWARD -i wg0 -o wg0 -j ACCEPT # and keep it: iptables-save`,
        `${blocksTunnel("INPUT", "iptables/filter")}sudo iptables -I INPUT -i wg0 -j ACCEPT # and keep it: iptables-save`,
      ],
    ],
  ];
  for (const [what, rules, expected] of cases) {
    it(`is reported with the command that opens it: ${what}`, () => {
      assert.deepEqual(findings(rules), expected);
    });
  }

  const open: [string, Rules][] = [
    [
      "ufw allow 51820/udp, and route allow",
      {
        nft: fixture("ufw.nft")
          .replace(
            "tcp dport 22 counter",
            "udp dport 51820 counter packets 0 bytes 0 accept\n\t\ttcp dport 22 counter",
          )
          .replace(
            "chain ufw-user-forward {",
            'chain ufw-user-forward {\n\t\tiifname "wg0" oifname "wg0" counter packets 0 bytes 0 accept',
          ),
      },
    ],
    [
      "the same with the older iptables",
      {
        iptables: fixture("ufw.iptables").replace(
          "-A ufw-user-input",
          "-A ufw-user-forward -i wg0 -o wg0 -j ACCEPT\n-A ufw-user-input -p udp -m multiport --dports 80,51000:52000 -j ACCEPT\n-A ufw-user-input",
        ),
      },
    ],
    [
      "Docker's user chain",
      {
        nft: fixture("docker.nft").replace(
          "chain DOCKER-USER {",
          'chain DOCKER-USER {\n\t\tiifname "wg0" counter packets 0 bytes 0 accept',
        ),
      },
    ],
    [
      "firewalld's port and trusted zone",
      {
        nft: fixture("firewalld.nft")
          .replace("tcp dport 22 accept", "tcp dport 22 accept\n\t\tudp dport 51820 accept")
          .replace(
            "chain filter_FORWARD_ZONES {",
            'chain filter_FORWARD_ZONES {\n\t\tiifname "wg0" goto filter_FWD_trusted',
          )
          .replace(
            "chain filter_FWD_public {",
            "chain filter_FWD_trusted {\n\t\taccept\n\t}\n\n\tchain filter_FWD_public {",
          ),
      },
    ],
    [
      "plain rules with a range and a pattern",
      {
        nft: fixture("plain.nft")
          .replace("{ 53, 5000-5100 }", "{ 53, 51000-52000 }")
          .replace('iifname "lan*" oifname "eth0"', 'iifname "wg*"'),
      },
    ],
    ["no firewall at all", {}],
    [
      "rules that are not understood",
      { nft: fixture("plain.nft").replaceAll("ct state", "meta mark 7 accept\n\t\tct state") },
    ],
    ["Tailscale, with another tunnel prefix than its own", { nft: fixture("tailscale.nft") }],
  ];
  for (const [what, rules] of open) {
    it(`is not reported with ${what}`, () => {
      assert.deepEqual(findings(rules), []);
    });
  }

  it("is reported only for forwarding without a listen port", () => {
    const [only, ...more] = findings({ nft: fixture("plain.nft") }, { listenPort: null });
    assert.match(only ?? "", /^a firewall on this host \(chain forward /);
    assert.deepEqual(more, []);
  });

  it("is reported as data", () => {
    const output = { nft: fixture("plain.nft").split("\n"), iptables: [] };
    assert.deepEqual(firewallFindings(output, { ...NEEDS, forwards: false }), [
      {
        blocked: "port",
        to: null,
        table: "inet/filter",
        chain: "input",
        tool: "nft",
        command:
          "sudo nft insert rule inet filter input udp dport 51820 accept # and keep it in /etc/nftables.conf",
      },
    ]);
  });
});

describe("a firewall that drops packets from the tunnel", () => {
  const needs = { listenPort: null, forwards: false, tunnel: ["10.86.0.0/24", "100.64.7.0/24"] };
  const input = (rule: string, policy = "accept"): Rules => ({
    nft: `table inet mine {\n\tchain in {\n\t\ttype filter hook input priority filter; policy ${policy};\n\t\t${rule}\n\t}\n}`,
  });
  const nft = "sudo nft insert rule inet mine in iifname wg0";
  const keep = "accept # and keep it in /etc/nftables.conf";

  for (const kind of ["nft", "iptables"] as const) {
    it(`is reported for Tailscale, whose rule comes back when it starts (${kind})`, () => {
      const table = kind === "nft" ? "ip/filter" : "iptables/filter";
      assert.deepEqual(findings({ [kind]: fixture(`tailscale.${kind}`) }, needs), [
        `${blocksTunnel("INPUT", table)}sudo iptables -I INPUT -i wg0 -j ACCEPT # Tailscale drops 100.64.0.0/10 again when it starts: use another prefix`,
      ]);
    });
  }

  it("is not reported once the tunnel's interface is let in before Tailscale's chain", () => {
    const rules = fixture("tailscale.iptables").replace(
      "-A INPUT -j ts-input",
      "-A INPUT -i wg0 -j ACCEPT\n-A INPUT -j ts-input",
    );
    assert.deepEqual(findings({ iptables: rules }, needs), []);
  });

  it("is reported for one prefix of the tunnel", () => {
    const rules = input("ip saddr 100.64.0.0/10 drop");
    assert.deepEqual(findings(rules, needs), [`${blocksTunnel("in", "inet/mine")}${nft} ${keep}`]);
  });

  it("is reported for pings alone where TCP or UDP may come in", () => {
    assert.deepEqual(findings(input("tcp dport 22 accept", "drop"), needs), [
      `${blocksPings("in", "inet/mine")}${nft} icmp type echo-request ${keep}`,
    ]);
  });

  it("is reported for IPv6 with an IPv6 prefix", () => {
    const rules = input("icmp type echo-request accept", "drop");
    assert.deepEqual(findings(rules, { ...needs, tunnel: ["10.86.0.0/24", "fd5c:10::/64"] }), [
      `${blocksTunnel("in", "inet/mine")}${nft} ${keep}`,
    ]);
    assert.deepEqual(findings(rules, needs), []);
  });

  const passing: [string, Rules][] = [
    ["a part of the prefix only", input("ip saddr 100.64.7.0/25 drop")],
    [
      "a part of the prefixes let in",
      input("ip saddr { 10.86.0.0/25, 100.64.7.1 } accept", "drop"),
    ],
    ["others by their interface", input('iifname != "wg*" drop')],
    ["a set that is not looked at", input("ip saddr @banned drop")],
    ["a limit", input("limit rate over 10/second drop")],
    ["what is not new", input("ct state { established, invalid } drop")],
    ["pings let in", input("icmp type echo-request accept", "drop")],
    ["IPv6 only", input("meta nfproto ipv6 drop")],
  ];
  for (const [what, rules] of passing) {
    it(`is not reported with ${what}`, () => {
      assert.deepEqual(findings(rules, needs), []);
    });
  }
});

describe("a firewall that does not forward IPv6", () => {
  const rules = `table ip6 filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t\tip saddr 10.0.0.0/8 accept\n\t}\n}`;

  it("is reported where IPv6 is forwarded, and nowhere else", () => {
    assert.deepEqual(findings({ nft: rules }), []);
    assert.deepEqual(findings({ nft: rules }, { forwards6: true }), [
      `${blocksForward("FORWARD", "ip6/filter")}sudo ip6tables -I FORWARD -i wg0 -o wg0 -j ACCEPT # and keep it: ip6tables-save`,
    ]);
  });

  it("is reported once where it does not forward IPv4 either", () => {
    const both = findings({ nft: fixture("plain.nft") }, { forwards6: true, listenPort: null });
    assert.equal(both.length, 1);
  });
});
