/** How the host script detects a blocking firewall, with rule sets of common tools, in several shells. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { hostScript } from "../../scripts/push/host-script";

/** Output of `nft list ruleset` and `iptables-save`: captured for ufw 0.36 and Docker, written by hand for firewalld and plain. */
const FIXTURES = path.join(__dirname, "firewalls");
const SHELLS: string[][] = [["dash"], ["bash"], ["busybox", "ash"]];

interface Rules {
  nft?: string;
  iptables?: string;
}

/** Runs the check with fake `nft`, `iptables-save` and `ip`, on a machine whose default route uses eth0. */
function findings(rules: Rules, shell = SHELLS[0] ?? [], lines = ["ListenPort = 51820"]): string[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wireguard-mesh-firewall-"));
  const fake = (name: string, text: string): void => {
    fs.writeFileSync(path.join(folder, `${name}.out`), text);
    fs.writeFileSync(path.join(folder, name), `#!/bin/sh\ncat ${folder}/${name}.out\n`, {
      mode: 0o755,
    });
  };
  fake("nft", rules.nft ?? "");
  fake("iptables-save", rules.iptables ?? "");
  fake("ip", "default via 203.0.113.1 dev eth0 proto static\n");
  fs.writeFileSync(path.join(folder, "wg0.conf"), ["[Interface]", ...lines, ""].join("\n"));
  const script = `${hostScript()}\nset_places wg0\nfirewall_findings ${folder}/wg0.conf 1\n`;
  const [program = "", ...args] = shell;
  const run = spawnSync(program, [...args, "-s"], {
    input: script,
    encoding: "utf8",
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}` },
  });
  fs.rmSync(folder, { recursive: true });
  assert.deepEqual([run.status, run.stderr], [0, ""]);
  return run.stdout.split("\n").filter(Boolean);
}

function fixture(name: string): string {
  return fs.readFileSync(path.join(FIXTURES, name), "utf8");
}

const blocksInput = (chain: string, table: string): string =>
  `a firewall on this host (chain ${chain} of ${table}) lets no UDP in at port 51820, where others dial it: `;
const blocksForward = (chain: string, table: string): string =>
  `a firewall on this host (chain ${chain} of ${table}) lets nothing through from wg0 to wg0: `;

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
      "Docker's FORWARD",
      { nft: fixture("docker.nft") },
      [
        `${blocksForward("FORWARD", "ip/filter")}sudo iptables -I DOCKER-USER -i wg0 -j ACCEPT && sudo iptables -I DOCKER-USER -o wg0 -j ACCEPT (and keep them)`,
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
        `${blocksInput("input", "inet/filter")}sudo nft insert rule inet filter input udp dport 51820 accept (and keep it, in /etc/nftables.conf)`,
        `${blocksForward("forward", "inet/filter")}sudo nft insert rule inet filter forward iifname wg0 oifname wg0 accept (and keep it, in /etc/nftables.conf)`,
      ],
    ],
  ];
  for (const [what, rules, expected] of cases) {
    for (const shell of SHELLS) {
      it(`is reported with the command that opens it: ${what} (${shell.join(" ")})`, () => {
        assert.deepEqual(findings(rules, shell), expected);
      });
    }
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
  ];
  for (const [what, rules] of open) {
    it(`is not reported with ${what}`, () => {
      assert.deepEqual(findings(rules), []);
    });
  }

  it("is reported only for forwarding without a listen port", () => {
    const [only] = findings({ nft: fixture("plain.nft") }, ["dash"], []);
    assert.match(only ?? "", /^a firewall on this host \(chain forward /);
  });
});
