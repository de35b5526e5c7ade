/**
 * Compares rendered files with golden files; UPDATE_GOLDEN=1 rewrites them. Each is also passed to the real wg-quick and,
 * as root, to the real wg.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { renderConfig } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import { cases } from "../../support/cases";
import { hostKeyLine, keyPair } from "../../support/key-pairs";
import { PRESHARED_KEY_SEED, type RawNetwork, type RawNode } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { programs } from "../../support/programs";
import { readWgQuick, type WgPeer } from "../../support/wg-quick-text";

const GOLDEN = path.join(__dirname, "../../golden");

/** Every setting that a file can have: two relays, a site, dual stack, MTU, port. */
const everything: RawNetwork = {
  network: { cidr6: "fd5c:10::/64", mtu: 1380, listenPort: 443 },
  relays: {
    osaka: relay(1, "[2001:db8::2]:443"),
    tokyo: { ...relay(0, "203.0.113.10:443"), host: "root@203.0.113.10", hostKey: hostKeyLine(0) },
  },
  peers: {
    desktop: { ...peer(2), site: "office", siteEndpoint: "192.168.1.20:51821", listenPort: 51821 },
    laptop: { ...peer(3), site: "office", persistentKeepalive: 15 },
    nas: { ...peer(4), relay: "osaka", subnets: ["192.168.10.0/24", "fd00:10::/64"], mtu: 1420 },
    vps: { ...peer(5), relay: "osaka", endpoint: "[2001:db8::9]:51822", listenPort: 51822 },
  },
  privateKeys: Object.fromEntries(
    ["tokyo", "osaka", "desktop", "laptop", "nas", "vps"].map((name, at) => [
      name,
      Secret.of(keyPair(at).privateKey),
    ]),
  ),
  presharedKeySeed: Secret.of(PRESHARED_KEY_SEED),
};

/** A device without a host, with names. */
const named: RawNetwork = {
  network: { cidr6: "fd5c:10::/64", domain: "mesh.internal" },
  relays: {
    tokyo: {
      ...relay(0, "203.0.113.10:51820"),
      host: "root@203.0.113.10",
      hostKey: hostKeyLine(0),
    },
  },
  peers: { phone: peer(1) },
  privateKeys: { tokyo: Secret.of(keyPair(0).privateKey), phone: Secret.of(keyPair(1).privateKey) },
};

const files: [file: string, shows: string, raw: RawNetwork, node: string][] = [
  ["origin-relay.conf", "the relay of the origin note", cases.origin.raw, "c"],
  ["origin-peer.conf", "a peer behind NAT of that relay", cases.origin.raw, "a"],
  ["everything-relay.conf", "a relay with another relay, a LAN and IPv6", everything, "tokyo"],
  ["everything-peer.conf", "a peer with a direct link at its site", everything, "laptop"],
  ["device.conf", "a device in a network with a domain", named, "phone"],
  ["everything-gateway.conf", "a gateway to a LAN, with the second relay", everything, "nas"],
];

describe("golden files", () => {
  for (const [file, shows, raw, name] of files) {
    const text = () => {
      const plan = planOf(raw);
      const keyring = {
        privateKeys: new Map(Object.entries(raw.privateKeys)),
        formerPrivateKeys: new Map(),
        presharedKeySeed: raw.presharedKeySeed ?? null,
        sshPrivateKey: null,
        sshAuthoritySeed: null,
      };
      return renderConfig(nodeIn(plan, name), plan.network, keyring).reveal();
    };

    it(`${file}: ${shows}`, () => {
      const golden = path.join(GOLDEN, file);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text());
      assert.equal(text(), readFileSync(golden, "utf8"));
    });

    it(`${file} is accepted by wg-quick strip`, function () {
      programs.require(this, "wg-quick");
      programs.requireRoot(this);
      const stripped = strip(text());
      const kept = text()
        .replace(/^(Address|MTU|DNS) = .*\n|^# .*\n/gm, "")
        .replace(/\n+/g, "\n");
      assert.equal(stripped.replace(/^# .*\n/gm, "").replace(/\n+/g, "\n"), kept);
    });

    it(`${file} equals wg showconf of an interface with it`, function () {
      programs.require(this, "wg-quick");
      programs.requireRoot(this);
      const shown = readWgQuick(shownByWg(strip(text())));
      const { listenPort, privateKey, peers } = readWgQuick(text());
      assert.deepEqual(byKey(shown.peers), byKey(peers));
      assert.equal(shown.privateKey, privateKey);
      if (listenPort !== null) assert.equal(shown.listenPort, listenPort);
    });
  }
});

function relay(at: number, endpoint: string): RawNode {
  return { ...peer(at), endpoint };
}

function peer(at: number): RawNode {
  return {
    address: `10.86.0.${at + 1}`,
    address6: `fd5c:10::${at + 1}`,
    publicKey: keyPair(at).publicKey,
  };
}

function strip(text: string): string {
  return inFile("wg0.conf", text, (file) =>
    execFileSync("wg-quick", ["strip", file], { encoding: "utf8", stdio: "pipe" }),
  );
}

/** The output of `wg showconf` for an interface in a network namespace of its own. */
function shownByWg(stripped: string): string {
  const script = `set -eu
    mkdir -p /run/wireguard
    mount -t tmpfs none /run/wireguard
    trap 'ip link del wg0; wait' EXIT
    if ! ip link add wg0 type wireguard 2>/dev/null; then
      wireguard-go -f wg0 >/dev/null 2>&1 &
      until wg show wg0 >/dev/null 2>&1; do sleep 0.05; done
    fi
    wg setconf wg0 "$1"
    wg showconf wg0`;
  return inFile("stripped.conf", stripped, (file) =>
    execFileSync("unshare", ["--net", "--mount", "sh", "-c", script, "sh", file], {
      encoding: "utf8",
      stdio: "pipe",
      timeout: 10_000,
    }),
  );
}

function inFile(name: string, text: string, use: (file: string) => string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "golden-"));
  try {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return use(path.join(folder, name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function byKey(peers: WgPeer[]): Map<string, WgPeer> {
  return new Map(
    peers.map((one) => [one.publicKey, { ...one, allowedIps: [...one.allowedIps].sort() }]),
  );
}
