/** Single rules of iptables(8): whether they surely accept, or surely drop, packets to the port. */
import assert from "node:assert/strict";
import { firewallFindings, type TunnelNeeds } from "../../../mesh/host/firewall";

const NEEDS: TunnelNeeds = {
  interface: "wg0",
  listenPort: 51820,
  outerDevice: "eth0",
  forwards: false,
  forwards6: false,
  tunnel: [],
};

/** Whether the port is reported as blocked; `more` is a chain that rules may jump to. */
function isBlocked(rules: string, policy: "ACCEPT" | "DROP"): boolean {
  const lines = `*filter\n:INPUT ${policy} [0:0]\n:more - [0:0]\n${rules}\nCOMMIT`;
  return firewallFindings({ nft: [], iptables: lines.split("\n") }, NEEDS).length > 0;
}

describe("a rule of iptables", () => {
  const yes = [
    "",
    '-m comment --comment "let \\"me\\" in -j DROP"',
    "-m comment --comment plain",
    "-p udp",
    "! -p tcp",
    "-p udp -m udp --dport 51820",
    "-p udp -m udp --dport 51000:52000",
    "-p udp -m multiport --dports 53,51000:52000",
    "-p udp -m multiport ! --dports 53,80",
    "-i eth+",
    "! -i lo",
    "-m conntrack --ctstate NEW",
    "-m state ! --state RELATED,ESTABLISHED",
    "! -s 198.51.100.0/24",
  ];
  const no = [
    "-p tcp -m tcp --dport 51820",
    "-p udp -m udp --dport 53",
    "-p udp -m udp ! --dport 51820",
    "-p icmp -m icmp --icmp-type 8",
    "-i lo",
    "! -i eth+",
    "-m conntrack --ctstate RELATED,ESTABLISHED",
    "-m conntrack --ctstate DNAT",
    "-s 198.51.100.0/24",
    "-m mark --mark 0x1 -i lo",
  ];
  const maybe = [
    "-m mark --mark 0x1",
    "-m set --match-set mine src",
    "-m addrtype --dst-type LOCAL",
    "-m limit --limit 3/min --limit-burst 10",
    "-m socket",
    "-d 192.0.2.1/32",
    "-s 10.0.0.0/255.0.255.0",
    "-s 198.51.100.7/32 -p udp -m udp --dport 51820",
    "-m conntrack --ctstate UNTRACKED",
    "-f",
  ];
  const expectations: [string, string[], boolean, boolean][] = [
    ["surely applies", yes, false, true],
    ["surely does not apply", no, true, false],
    ["may apply", maybe, false, false],
  ];
  for (const [what, conditions, blockedWithout, blockedWith] of expectations) {
    for (const condition of conditions) {
      it(`${what}: ${condition || "(no condition)"}`, () => {
        const rule = (target: string): string => `-A INPUT ${condition} -j ${target}`;
        assert.equal(isBlocked(rule("ACCEPT"), "DROP"), blockedWithout, "ACCEPT");
        const drop = `${rule("REJECT")} --reject-with icmp-port-unreachable`;
        assert.equal(isBlocked(drop, "ACCEPT"), blockedWith, "REJECT");
      });
    }
  }

  const targets: [string, string, boolean][] = [
    ["a chain that accepts", "-A INPUT -j more\n-A more -j ACCEPT", false],
    ["a chain that returns", "-A INPUT -j more\n-A INPUT -j ACCEPT\n-A more -j RETURN", false],
    ["a goto, after which nothing follows", "-A INPUT -g more\n-A INPUT -j ACCEPT", true],
    ["LOG", '-A INPUT -j LOG --log-prefix "-j ACCEPT"', true],
    ["MARK", "-A INPUT -j MARK --set-xmark 0x1/0x1", true],
    ["NFQUEUE", "-A INPUT -j NFQUEUE --queue-num 0", false],
    ["a target that is not known", "-A INPUT -j MAGIC", false],
  ];
  for (const [what, rules, blocked] of targets) {
    it(`${blocked ? "leaves the port closed" : "opens the port"}: ${what}`, () => {
      assert.equal(isBlocked(rules, "DROP"), blocked);
    });
  }

  it("counts only in the table filter, and in complete output", () => {
    const blocked = (text: string): boolean =>
      firewallFindings({ nft: [], iptables: text.split("\n") }, NEEDS).length > 0;
    const policies = ":INPUT DROP [0:0]\nCOMMIT";
    assert.equal(blocked(`*filter\n${policies}`), true);
    assert.equal(blocked(`*security\n${policies}`), false);
    assert.equal(blocked("*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j AC"), false);
  });
});
