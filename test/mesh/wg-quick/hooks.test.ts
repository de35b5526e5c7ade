/** Which commands in hooks do what a push does. */
import assert from "node:assert/strict";
import { hookEffects } from "../../../mesh/wg-quick/hooks";

const CASES: [line: string, effects: string[]][] = [
  ["", []],
  ["iptables -A FORWARD -i wg0 -j ACCEPT", ["accept"]],
  ["iptables -A FORWARD -i %i -o eth0 -m state --state RELATED,ESTABLISHED -j ACCEPT", ["accept"]],
  ["/usr/sbin/iptables -w -I FORWARD 1 -o wg0 -j ACCEPT", ["accept"]],
  ["ip6tables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", ["masquerade"]],
  [
    "iptables -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE; iptables -A INPUT -p udp -m udp --dport 51820 -j ACCEPT; iptables -A FORWARD -i wg0 -j ACCEPT; ",
    ["masquerade", "accept"],
  ],
  ["sysctl -w net.ipv4.ip_forward=1 && sysctl -q -w net.ipv6.conf.all.forwarding=1", ["forward"]],
  ["echo 1 > /proc/sys/net/ipv4/ip_forward", ["forward"]],
  ["sysctl -w net.ipv4.ip_forward=0", ["other"]],
  ["iptables -A FORWARD -i wg0 -j DROP", ["other"]],
  ["iptables -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to 10.8.0.2", ["other"]],
  ["iptables -A FORWARD -i wg0 -j ACCEPT | tee /tmp/x", ["other"]],
  ["iptables -A FORWARD -i wg0 -j ACCEPT & reboot", ["other"]],
  ["iptables -A FORWARD -i $(reboot) -j ACCEPT", ["other"]],
  ["iptables -A FORWARD -i wg0 -j ACCEPT || reboot", ["other"]],
  ["iptables -A FORWARD -i wg0 -j ACCEPT; reboot", ["accept", "other"]],
  ["sysctl -w net.ipv4.ip_forward=1 > /etc/passwd", ["other"]],
  ["iptables -A INPUT -p udp --dport 53 -j ACCEPT", ["other"]],
  ["iptables -A INPUT -p tcp --dport 22 -j ACCEPT", ["other"]],
  ["iptables -A INPUT -i wg0 -p udp --dport 51820 -j ACCEPT", ["accept"]],
  ["wg set %i private-key /etc/wireguard/key", ["other"]],
];

describe("a hook of wg-quick", () => {
  for (const [line, effects] of CASES) {
    it(`${JSON.stringify(line)}: ${effects.join(", ") || "nothing"}`, () => {
      assert.deepEqual(hookEffects(line), effects);
    });
  }
});
