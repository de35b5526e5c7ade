/** WireGuard configured by hand in the lab, as in the note that this project is based on. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../scripts/lab/lab";
import { canPing, canPingSoon, login, smallWorld } from "./support/small-world";

const NODES = { relay: "10.0.0.1", desktop: "10.0.0.2", laptop: "10.0.0.3" };
type Node = keyof typeof NODES;

describe("WireGuard by hand in the lab", function () {
  this.timeout(60_000);
  let lab: Lab;
  const publicKeys: Record<Node, string> = { relay: "", desktop: "", laptop: "" };
  before(async () => {
    lab = await Lab.up(smallWorld(), { id: "test-wireguard" });
    for (const node of Object.keys(NODES) as Node[]) publicKeys[node] = await makeKey(node);
    await start("relay", "ListenPort = 51820", [
      `[Peer]\nPublicKey = ${publicKeys.desktop}\nAllowedIPs = 10.0.0.2/32`,
      `[Peer]\nPublicKey = ${publicKeys.laptop}\nAllowedIPs = 10.0.0.3/32`,
    ]);
    const relay = `[Peer]\nPublicKey = ${publicKeys.relay}\nAllowedIPs = 10.0.0.0/24
Endpoint = 203.0.113.10:51820\nPersistentKeepalive = 25`;
    await start("desktop", "", [relay]);
    await start("laptop", "", [relay]);
  });
  after(() => lab.down());

  it("does not connect peers while the relay does not forward", async () => {
    assert.equal(await canPingSoon(lab, "desktop", NODES.relay), true);
    assert.equal(await canPingSoon(lab, "laptop", NODES.relay), true);
    assert.equal(await canPing(lab, "laptop", NODES.desktop), false);
  });

  it("connects the laptop to the desktop only through the relay", async () => {
    await lab.exec("relay", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    assert.equal(await canPingSoon(lab, "laptop", NODES.desktop), true);
    assert.equal(await canPing(lab, "laptop", "192.168.1.20"), false);
    const hop = await lab.exec("laptop", ["ping", "-n", "-c1", "-W2", "-t1", NODES.desktop]);
    assert.match(hop.stdout, /^From 10\.0\.0\.1 .*Time to live exceeded/m);
  });

  it("shows the relay the routers' addresses, not the peers' own", async () => {
    const { stdout } = await lab.exec("relay", ["wg", "show", "wg0", "endpoints"]);
    const lines = stdout.split("\n").map((line) => line.replace(/:\d+$/, ""));
    const wanted = [`${publicKeys.desktop}\t203.0.113.21`, `${publicKeys.laptop}\t203.0.113.22`];
    assert.deepEqual(lines.sort(), ["", ...wanted].sort());
  });

  async function makeKey(node: Node): Promise<string> {
    const script = "umask 077; wg genkey | tee /root/key | wg pubkey";
    return (await lab.exec(node, ["sh", "-c", script])).stdout.trim();
  }

  /** Starts WireGuard over SSH. */
  async function start(node: Node, more: string, peers: string[]): Promise<void> {
    const text = `[Interface]\nAddress = ${NODES[node]}/24\n${more}\n${peers.join("\n")}\n`;
    const script = `umask 077
      printf '%s' '${text}' | sed "s|^Address|PrivateKey = $(cat /root/key)\\nAddress|" >/etc/wireguard/wg0.conf
      wg-quick up wg0`;
    const { code, stderr } = await login(lab, lab.managementAddress(node), script);
    assert.equal(code, 0, stderr);
  }
});
