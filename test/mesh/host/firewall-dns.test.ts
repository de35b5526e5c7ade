/** A packet filter that blocks the DNS server of a relay. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { firewallFindings, firewallWords } from "../../../mesh/host/firewall";

const UFW = readFileSync(path.join(__dirname, "firewalls/ufw.nft"), "utf8");
const WHAT = "drops the DNS queries that come out of the tunnel, so devices resolve no name at all";
const blocks = (chain: string, table: string): string =>
  `a firewall on this host (chain ${chain} of ${table}) ${WHAT}: `;

function dnsOf(rules: { nft?: string; iptables?: string }, dns = true): string[] {
  const output = {
    nft: (rules.nft ?? "").split("\n"),
    iptables: (rules.iptables ?? "").split("\n"),
  };
  const tunnel = ["fd5c:10::/64", "10.86.0.0/24"];
  const needs = { interface: "wg0", listenPort: null, outerDevice: "eth0", forwards: false };
  const all = { ...needs, forwards6: false, tunnel, dns };
  const lines = firewallFindings(output, all).map((finding) => firewallWords(finding, all));
  return lines.filter((line) => line.includes("DNS"));
}

describe("a firewall on a relay with a DNS server", () => {
  it("that drops packets from the tunnel is reported, with the command that allows queries", () => {
    assert.deepEqual(dnsOf({ nft: UFW }), [
      `${blocks("INPUT", "ip/filter")}sudo ufw allow in on wg0 to any port 53`,
    ]);
    assert.deepEqual(dnsOf({ iptables: "*filter\n:INPUT DROP [0:0]\nCOMMIT" }), [
      `${blocks("INPUT", "iptables/filter")}sudo iptables -I INPUT -i wg0 -p udp --dport 53 -j ACCEPT # and keep it: iptables-save`,
    ]);
    assert.deepEqual(dnsOf({ nft: UFW }, false), []);
  });

  it("that allows queries is not", () => {
    const accepts =
      "*filter\n:INPUT DROP [0:0]\n-A INPUT -i wg0 -p udp -m udp --dport 53 -j ACCEPT\nCOMMIT";
    assert.deepEqual(dnsOf({ iptables: accepts }), []);
  });
});
