/** An import of live hosts with a network that was made by hand: the first up takes it over as it runs. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../../scripts/lab/lab";
import type { CommandResult } from "../../scripts/lab/process";
import { relay } from "../../scripts/lab/scenarios/relay";
import { createStack, type LabStack } from "../../scripts/lab/stack";
import { newKeyPair } from "../support/key-pairs";
import { LeakWatch } from "./support/leak-watch";
import { succeeded } from "./support/mesh-session";
import { describeGaps, pingGapsDuring, type Direction } from "./support/ping-gaps";
import { canPingSoon } from "./support/small-world";
import { addToAgent, startAgent } from "./support/ssh-agent";
import { addKey, type SecretForms } from "./support/stack-secrets";

const HOSTS = ["relay", "desktop", "laptop"] as const;
const DIRECTIONS: Direction[] = [
  ["laptop", "10.0.0.2"],
  ["desktop", "10.0.0.3"],
  ["laptop", "192.168.1.20"],
];

const keys = { relay: newKeyPair(), desktop: newKeyPair(), laptop: newKeyPair() };
const presharedKey = newKeyPair().privateKey;

/** A relay with two peers, one of them with a preshared key, the other in front of a LAN; as people write them. */
const FILES: Record<(typeof HOSTS)[number], string> = {
  relay: `# the hub
[Interface]
Address = 10.0.0.1/24
ListenPort = 51820
PrivateKey = ${keys.relay.privateKey}
PostUp = sysctl -w net.ipv4.ip_forward=1

[Peer]
AllowedIPs = 10.0.0.3/32   # laptop
PresharedKey = ${presharedKey}
PublicKey = ${keys.laptop.publicKey}

# desktop, and the LAN there
[Peer]
PublicKey = ${keys.desktop.publicKey}
AllowedIPs = 192.168.1.0/24
AllowedIPs = 10.0.0.2/32
`,
  desktop: `[Interface]
PrivateKey=${keys.desktop.privateKey}
Address=10.0.0.2/24
PostUp=sysctl -w net.ipv4.ip_forward=1
[Peer]
PublicKey=${keys.relay.publicKey}
Endpoint=203.0.113.10:51820
AllowedIPs=10.0.0.0/24
PersistentKeepalive=20
`,
  laptop: `[Interface]
Address = 10.0.0.3/24
PrivateKey = ${keys.laptop.privateKey}

[Peer]
Endpoint = 203.0.113.10:51820
PublicKey = ${keys.relay.publicKey}
PresharedKey = ${presharedKey}
AllowedIPs = 192.168.1.0/24, 10.0.0.0/24
PersistentKeepalive = 20
`,
};

describe("import of live hosts", function () {
  this.timeout(300_000);
  let lab: Lab;
  let stack: LabStack;
  let leaks: LeakWatch;
  let environment: Record<string, string>;

  before(async () => {
    lab = await Lab.up(relay.world, { id: "test-import" });
    stack = await createStack(lab, { peers: {} });
    const removed = ["pulumi", "stack", "rm", stack.name, "--yes", "--force"];
    succeeded(await lab.exec("operator", removed));
    fs.rmSync(stack.file, { force: true });
    const socket = path.join(lab.folder.engine, "agent");
    environment = { SSH_AUTH_SOCK: socket };
    await startAgent(lab, socket);
    await addToAgent(lab, socket, lab.folder.sshKey);
    leaks = await LeakWatch.create({ lab, secrets, files: [stack.file] });
    for (const host of HOSTS) {
      const file = lab.fileOf(host, "/etc/wireguard/wg0.conf");
      fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
      fs.writeFileSync(file, FILES[host], { mode: 0o600 });
      succeeded(await lab.exec(host, ["wg-quick", "up", "wg0"]));
    }
    for (const [from, to] of DIRECTIONS)
      assert.ok(await canPingSoon(lab, from, to, 60_000), `${from} > ${to}`);
  });
  after(async () => {
    fs.rmSync(stack.file, { force: true });
    await lab.down();
  });

  function secrets(): Promise<SecretForms> {
    const forms: SecretForms = new Map();
    for (const host of HOSTS) addKey(forms, `private key of ${host}`, keys[host].privateKey);
    addKey(forms, "preshared key", presharedKey);
    return Promise.resolve(forms);
  }

  async function command(...args: string[]): Promise<CommandResult> {
    const argv = ["node", "dist/scripts/wireguard-mesh.js", ...args, "--stack", stack.name];
    const done = await lab.exec("operator", argv, { env: environment, timeoutMs: 200_000 });
    leaks.add(argv.join(" "), done.stdout + done.stderr);
    return done;
  }

  const login = (host: string): string =>
    host === "relay" ? "root@203.0.113.10" : `root@${lab.managementAddress(host)}`;
  const importHosts = (...more: string[]): Promise<CommandResult> => {
    const hosts = HOSTS.flatMap((host) => ["--host", login(host), "--host-key", lab.hostKey(host)]);
    return command("import", ...hosts, ...more);
  };

  interface Session {
    index: string;
    handshakes: string[];
  }

  async function sessions(): Promise<Record<string, Session>> {
    const all = HOSTS.map(async (host): Promise<[string, Session]> => {
      const script = "cat /sys/class/net/wg0/ifindex; wg show wg0 latest-handshakes";
      const shown = succeeded(await lab.exec(host, ["sh", "-c", script]));
      const [index = "", ...handshakes] = shown.stdout.trim().split("\n");
      return [host, { index, handshakes: handshakes.sort() }];
    });
    return Object.fromEntries(await Promise.all(all));
  }

  /** No interface is new, and no session, except those that WireGuard renews after 120 s by itself. */
  function assertKept(before: Record<string, Session>, now: Record<string, Session>): void {
    for (const host of HOSTS) {
      assert.equal(now[host]?.index, before[host]?.index, host);
      const times = (session: Session | undefined) =>
        new Map((session?.handshakes ?? []).map((line) => line.split("\t") as [string, string]));
      const former = times(before[host]);
      assert.deepEqual([...times(now[host]).keys()], [...former.keys()], host);
      for (const [key, at] of times(now[host])) {
        const since = Number(at) - Number(former.get(key));
        assert.ok(since === 0 || since >= 115, `${host}: a new handshake after ${since} s`);
      }
    }
  }

  it("names what it cannot keep, and what differs from the running interface, and writes nothing", async () => {
    const file = lab.fileOf("laptop", "/etc/wireguard/wg0.conf");
    fs.appendFileSync(file, `AllowedIPs = 10.9.9.0/24\n`);
    fs.writeFileSync(
      file,
      fs.readFileSync(file, "utf8").replace("[Interface]", "[Interface]\nSaveConfig = true"),
    );
    const refused = await importHosts();
    assert.equal(refused.code, 1, refused.stdout);
    const text = refused.stderr.replace(/\s+/g, " ");
    const at = `${login("laptop")}:/etc/wireguard/wg0.conf`;
    assert.ok(text.includes(`${at}:2: SaveConfig lets wg-quick overwrite`), text);
    assert.match(text, /the running wg0 differs from its file: peer \S+: AllowedIPs/);
    assert.equal(fs.existsSync(stack.file), false);
    fs.writeFileSync(file, FILES.laptop);
  });

  it("writes a stack that matches the hosts", async () => {
    const done = succeeded(await importHosts("--json"));
    const { files, relays, peers } = JSON.parse(done.stdout) as {
      files: { node: string; differences: string[] }[];
      relays: Record<string, unknown>;
      peers: Record<string, { subnets?: string[] }>;
    };
    assert.deepEqual(
      files.map(({ node, differences }) => [node, differences]),
      [
        ["desktop", []],
        ["laptop", []],
        ["relay", []],
      ],
    );
    assert.deepEqual([Object.keys(relays), Object.keys(peers)], [["relay"], ["desktop", "laptop"]]);
    assert.deepEqual(peers["desktop"]?.subnets, ["192.168.1.0/24"]);
  });

  it("leaves every host unchanged in the first up: no handshake is reset, no packet lost", async () => {
    const before = await sessions();
    const gaps = await pingGapsDuring(lab, DIRECTIONS, async () => {
      const up = succeeded(await command("up", "--yes"));
      const output = up.stdout + up.stderr;
      assert.equal(output.match(/pushed {2}/g)?.length, HOSTS.length, output);
      assert.match(output, /: unchanged: wg0 runs as planned already, so only its files were/);
      assert.match(output, /the same on \w+, \w+: unchanged$/m);
    });
    for (const { lost } of gaps) assert.equal(lost, 0, describeGaps(gaps));
    assertKept(before, await sessions());
  });

  it("has nothing to do in the second up, and a host boots with the written files", async () => {
    const again = succeeded(await command("preview"));
    assert.match(again.stdout, /Nothing to do/);
    succeeded(await command("status"));
    await lab.reboot("laptop");
    succeeded(await lab.exec("laptop", ["wg-quick", "up", "wg0"]));
    assert.ok(await canPingSoon(lab, "laptop", "10.0.0.2", 60_000));
  });

  it("leaks no secret", () => leaks.end());
});
