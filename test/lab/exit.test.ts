/** Devices that send everything through an exit, and a gateway that masquerades, with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import type { ScenarioConfig } from "../../scripts/lab/scenario";
import type { World } from "../../scripts/lab/world";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { canPing, canPingSoon, reachesSshSoon, tcpBanner, waitForLog } from "./support/small-world";
import { deleteConfig } from "./support/stack-edits";

const WEB = { 4: "203.0.113.80", 6: "2001:db8:113::80" };
const RELAY = { 4: "203.0.113.10", 6: "2001:db8:113::10" };
const CAFE = "203.0.113.22";
const PRINTER = "192.168.10.9";
const TABLE = "nft list tables | grep wireguard-mesh || true";

/** The printer, the café and the website are no nodes; the printer has no route into the tunnel. */
const network = {
  world: {
    nats: {
      cafe: { public: CAFE, lan: "192.168.12.0/24" },
      home: { public: "203.0.113.21", lan: "192.168.10.0/24" },
    },
    hosts: {
      relay: { public: RELAY[4], public6: RELAY[6] },
      web: { public: WEB[4], public6: WEB[6] },
      phone: { nat: "cafe", ip: "192.168.12.30" },
      guest: { nat: "cafe", ip: "192.168.12.31" },
      gateway: { nat: "home", ip: "192.168.10.2" },
      printer: { nat: "home", ip: PRINTER },
    },
  } satisfies World,
  config: (lab: { managementAddress(host: string): string }): ScenarioConfig => ({
    network: { cidr: "10.0.0.0/24", cidr6: "fd5c:10::/64" },
    // The policy does not limit what leaves; the same table filters and translates.
    policy: [
      { from: ["phone", "relay"], to: ["*"] },
      { from: ["guest"], to: ["phone"] },
    ],
    relays: {
      relay: { ...addresses(1), host: `root@${RELAY[4]}`, exit: true },
    },
    peers: {
      phone: { ...addresses(2), routeAll: true },
      guest: addresses(3),
      gateway: {
        ...addresses(4),
        host: `root@${lab.managementAddress("gateway")}`,
        subnets: ["192.168.10.0/24"],
        masquerade: true,
      },
    },
  }),
};

function addresses(byte: number): { address: string; address6: string } {
  return { address: `10.0.0.${byte}`, address6: `fd5c:10::${byte}` };
}

describe("a relay that is an exit", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(network, "test-exit");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    for (const device of ["phone", "guest"]) await use(device, (text) => text);
  });
  after(() => mesh.lab.down());

  /** Sets up a device by hand with the config that `config` prints, which has its keys. */
  async function use(device: string, edit: (text: string) => string): Promise<void> {
    const argv = ["node", "dist/scripts/wireguard-mesh.js", "config", device];
    const { stdout } = succeeded(await mesh.lab.exec("operator", argv));
    const up = "wg-quick down wg0 2>/dev/null; wg-quick up wg0 2>&1";
    const script = `umask 077; mkdir -p /etc/wireguard; cat >/etc/wireguard/wg0.conf; ${up}`;
    const done = await mesh.lab.exec(device, ["sh", "-c", script], { input: edit(stdout) });
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.ok(await canPingSoon(mesh.lab, device, "10.0.0.1"));
  }

  const reachesWeb = async (from: string, address = WEB[4]) =>
    (await tcpBanner(mesh.lab, from, address, 22)).startsWith("SSH-");
  const webSaw = (address: string) =>
    waitForLog(mesh.lab, "web", new RegExp(`Connection closed by ${address} `));

  it("sends what a device with routeAll sends on with its own address, by IPv4 and IPv6", async () => {
    for (const family of [4, 6] as const) {
      assert.ok(await reachesSshSoon(mesh.lab, "phone", WEB[family]), WEB[family]);
      assert.ok(await webSaw(RELAY[family]), mesh.lab.sshLog("web"));
    }
    assert.doesNotMatch(mesh.lab.sshLog("web"), new RegExp(CAFE));
  });

  it("lets no other device out, even if it sends everything into the tunnel by itself", async () => {
    assert.ok(await reachesSshSoon(mesh.lab, "guest", WEB[4]));
    assert.ok(await webSaw(CAFE));
    const arriving = "type filter hook input priority 0; ip saddr 10.0.0.0/24 counter";
    await session.on("web", `nft 'table inet lab { chain in { ${arriving}; }; }'`);
    await use("guest", (text) => text.replace(/^AllowedIPs = .*/m, "AllowedIPs = 0.0.0.0/0, ::/0"));
    assert.equal(await reachesWeb("guest"), false);
    assert.equal(await reachesWeb("guest", WEB[6]), false);
    assert.match(await session.on("web", "nft list table inet lab"), /counter packets 0 /);
    assert.ok(await canPingSoon(mesh.lab, "guest", "10.0.0.2"));
  });

  it("reaches a machine in a LAN that has no route back, where the gateway masquerades", async () => {
    assert.ok(await canPingSoon(mesh.lab, "phone", PRINTER));
    assert.ok(await canPingSoon(mesh.lab, "relay", PRINTER));
  });

  it("clamps the MSS of the device's TCP connections to the MTU of the tunnel", async () => {
    const rule = "tcp flags syn tcp option maxseg size <= 1380 counter";
    const hook = "type filter hook input priority 0;";
    await session.on("phone", `nft 'table inet lab { chain in { ${hook} ${rule}; }; }'`);
    assert.ok(await reachesSshSoon(mesh.lab, "phone", WEB[4]));
    assert.match(await session.on("phone", "nft list table inet lab"), /counter packets [1-9]/);
  });

  it("changes nothing in a second up", async () => {
    const up = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
  });

  it("is none without `policy`, `exit`, `routeAll` and `masquerade`: the tables are removed, and printer and internet are not reached", async () => {
    const keys = [
      ["policy"],
      ["relays", "relay", "exit"],
      ["peers", "phone", "routeAll"],
      ["peers", "gateway", "masquerade"],
    ];
    for (const key of keys) deleteConfig(mesh.stack, key);
    const preview = succeeded(await session.command("preview"));
    assert.match(preview.stdout, /^ {2}- phone -> the internet$/m);
    succeeded(await session.pulumi(...UP));
    for (const host of ["relay", "gateway"]) assert.equal(await session.on(host, TABLE), "", host);
    assert.equal(await canPing(mesh.lab, "relay", PRINTER), false);
    assert.equal(await reachesWeb("phone"), false);
  });

  it("leaks no secret", () => session.leaks.end());
});
