/** Differences in meaning between two files are named; those in form are not. */
import assert from "node:assert/strict";
import { compareFiles } from "../../../mesh/import/compare";
import { Secret } from "../../../mesh/secret";
import type { WgQuickFile } from "../../../mesh/wg-quick/file";
import { parseWgQuick } from "../../../mesh/wg-quick/parse";
import { keyPair } from "../../support/key-pairs";

const [own, hub, nas] = [keyPair(0), keyPair(1), keyPair(2)];
const psk = keyPair(3).privateKey;

const TEXT = `[Interface]
PrivateKey = ${own.privateKey}
Address = 10.0.0.2/24
ListenPort = 51820
MTU = 1380
DNS = 9.9.9.9
[Peer]
PublicKey = ${hub.publicKey}
PresharedKey = ${psk}
AllowedIPs = 10.0.0.0/24, 192.168.1.0/24
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25
[Peer]
PublicKey = ${nas.publicKey}
AllowedIPs = 10.0.0.5/32
`;

function file(text: string): WgQuickFile {
  const { file: parsed, problems } = parseWgQuick(Secret.of(text), "x.conf");
  assert.deepEqual(problems, []);
  return parsed;
}

function differences(was: string, now: string, isPushed = true): string[] {
  const names = new Map([
    [hub.publicKey, "hub"],
    [nas.publicKey, "nas"],
  ]);
  return compareFiles(file(was), file(now), names, isPushed);
}

const changed = (from: string, to: string) => {
  assert.ok(TEXT.includes(from), from);
  return differences(TEXT, TEXT.replace(from, to));
};

describe("two wg-quick files", () => {
  it("are equal in another order, case and spelling, and with comments", () => {
    const [head = "", first = "", second = ""] = TEXT.split("[Peer]\n");
    const other = [head, second, first].join("\n# nas\n[peer]\n").replaceAll(" = ", "=");
    const spelt = other
      .replace("vpn.example.org", "VPN.example.org")
      .replace("10.0.0.0/24, 192.168.1.0/24", "192.168.1.7/24\nAllowedIPs=10.0.0.0/24");
    assert.deepEqual(differences(TEXT, spelt), []);
  });

  it("differ in each single setting", () => {
    const cases: [from: string, to: string, expected: string[]][] = [
      [own.privateKey, keyPair(9).privateKey, ["another PrivateKey"]],
      ["10.0.0.2/24", "10.0.0.3/24", ["Address 10.0.0.3/24 instead of 10.0.0.2/24"]],
      ["10.0.0.2/24", "10.0.0.2/32", ["Address 10.0.0.2/32 instead of 10.0.0.2/24"]],
      ["ListenPort = 51820\n", "", ["ListenPort none instead of 51820"]],
      ["MTU = 1380", "MTU = 1420", ["MTU 1420 instead of 1380"]],
      ["DNS = 9.9.9.9\n", "", ["DNS none instead of 9.9.9.9"]],
      [psk, keyPair(9).privateKey, ["peer hub: another PresharedKey"]],
      [`PresharedKey = ${psk}\n`, "", ["peer hub: another PresharedKey"]],
      [
        "10.0.0.0/24, 192.168.1.0/24",
        "10.0.0.0/24",
        ["peer hub: AllowedIPs 10.0.0.0/24 instead of 10.0.0.0/24, 192.168.1.0/24"],
      ],
      [
        "org:51820",
        "org:443",
        ["peer hub: Endpoint vpn.example.org:443 instead of vpn.example.org:51820"],
      ],
      [
        "PersistentKeepalive = 25",
        "PersistentKeepalive = off",
        ["peer hub: PersistentKeepalive none instead of 25"],
      ],
      [
        nas.publicKey,
        keyPair(9).publicKey,
        ["peer nas: missing", `peer ${keyPair(9).publicKey}: added`],
      ],
    ];
    for (const [from, to, expected] of cases) assert.deepEqual(changed(from, to), expected);
  });

  it("of a device are equal with another prefix length that does not change routes", () => {
    const single = TEXT.replace("10.0.0.2/24", "10.0.0.2");
    assert.deepEqual(differences(single, TEXT, false), []);
    assert.deepEqual(differences(single, TEXT, true), [
      "Address 10.0.0.2/24 instead of 10.0.0.2/32",
    ]);
    const wider = TEXT.replace("10.0.0.2/24", "10.0.0.2/16");
    assert.deepEqual(differences(TEXT, wider, false), [
      "Address 10.0.0.2/16 instead of 10.0.0.2/24",
    ]);
  });
});
