/** Hosts that are pushed to and send everything through an exit, with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import type { ScenarioConfig } from "../../scripts/lab/scenario";
import type { World } from "../../scripts/lab/world";
import { poll } from "../../scripts/poll";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { leftoversOn, openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import {
  canPing,
  canPingSoon,
  login,
  reachesSshSoon,
  tcpBanner,
  waitForLog,
} from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";
import { TcpStream } from "./support/tcp-stream";

const RELAY = { 4: "203.0.113.10", 6: "2001:db8:113::10" };
const SERVER = { 4: "203.0.113.30", 6: "2001:db8:113::30" };
/** Without IPv6 in the tunnel. */
const BARE = { 4: "203.0.113.40", 6: "2001:db8:113::40" };
const NEIGHBOUR = "203.0.113.50";
/** Far from every host, so that only a default route leads there. */
const WEB = { 4: "198.51.100.80", 6: "2001:db8:99::80" };
const OPERATOR = { 4: "198.51.100.250", 6: "2001:db8:99::250" };
const FAMILIES = [4, 6] as const;

const network = {
  world: {
    hosts: {
      relay: { public: RELAY[4], public6: RELAY[6] },
      server: { public: SERVER[4], public6: SERVER[6] },
      bare: { public: BARE[4], public6: BARE[6] },
      neighbour: { public: NEIGHBOUR },
      web: { public: "203.0.113.80", public6: "2001:db8:113::80" },
    },
  } satisfies World,
  config: (): ScenarioConfig => ({
    network: { cidr: "10.0.0.0/24", cidr6: "fd5c:10::/64" },
    relays: {
      relay: {
        ...{ address: "10.0.0.1", address6: "fd5c:10::1", host: `root@${RELAY[4]}`, exit: true },
        exitCheck: [WEB[4], WEB[6]],
      },
    },
    peers: {
      server: { address: "10.0.0.2", address6: "fd5c:10::2", host: `root@${SERVER[4]}` },
      bare: { address: "10.0.0.3", host: `root@${BARE[4]}` },
    },
  }),
};

/** Everything that routes on a host, without what differs between two equal states. */
const ROUTING =
  "ip rule; ip -6 rule; ip route show table all dev wg0 | grep -v -e multicast -e 'local fe80'; wg show wg0 fwmark; wg show wg0 allowed-ips; nft -s list ruleset";

describe("a pushed host with routeAll", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(network, "test-routeall");
    session = await openSession(mesh);
    await putFarAway("web", WEB, "203.0.113.80", "2001:db8:113::80");
    await putFarAway("operator", OPERATOR, "203.0.113.250", "2001:db8:113::250");
    // As on a Red Hat host.
    for (const host of ["server", "bare"])
      await session.on(
        host,
        "for it in all eth0; do echo 1 >/proc/sys/net/ipv4/conf/$it/rp_filter; done",
      );
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  /** Gives a node a second address, from which it sends to the two hosts. */
  async function putFarAway(node: string, far: typeof WEB, via: string, via6: string) {
    await session.on(
      "internet",
      `ip route add ${far[4]} via ${via}; ip route add ${far[6]} via ${via6}`,
    );
    await session.on(
      node,
      `ip address add ${far[4]}/32 dev lo; ip address add ${far[6]}/128 dev lo`,
    );
    for (const { 4: four, 6: six } of [SERVER, BARE])
      await session.on(
        node,
        `ip route add ${four} via 203.0.113.1 src ${far[4]}; ip route add ${six} via 2001:db8:113::1 src ${far[6]}`,
      );
  }

  const reaches = async (from: string, address: string) =>
    (await tcpBanner(mesh.lab, from, address, 22)).startsWith("SSH-");
  const webSaw = (address: string) =>
    waitForLog(mesh.lab, "web", new RegExp(`Connection closed by ${address} `));
  const logsIn = async (address: string) => {
    const { stdout, stderr, code } = await login(mesh.lab, address, "echo in");
    assert.equal(stdout, "in\n", `${code}: ${stderr}`);
  };
  const routing = (host: string) => session.on(host, ROUTING);

  /** The number of the server's packets that arrive at the website outside the tunnel. */
  async function countLeaks(): Promise<void> {
    const own = [`ip saddr { ${SERVER[4]}, ${BARE[4]} }`, `ip6 saddr { ${SERVER[6]}, ${BARE[6]} }`];
    const rules = own.map((match) => `${match} counter`).join("; ");
    const chain = `chain in { type filter hook input priority 0; tcp sport 7000 accept; ${rules}; }`;
    await session.on(
      "web",
      `nft 'destroy table inet lab' 2>/dev/null || nft 'delete table inet lab' 2>/dev/null || true; nft 'table inet lab { ${chain}; }'`,
    );
  }
  async function leaks(): Promise<string[]> {
    const table = await session.on("web", "nft list table inet lab");
    return [...table.matchAll(/counter packets (\d+)/g)].map(([, count = ""]) => count);
  }

  it("is undone and reported when the exit does not forward; the host uses its own default route as before", async () => {
    const former = await routing("server");
    const block = "chain out { type filter hook forward priority 0; policy drop; }";
    await session.on("relay", `nft 'table inet lab { ${block}; }'`);
    setConfig(mesh.stack, ["peers", "server", "routeAll"], true);
    const up = await session.pulumi(...UP);
    assert.notEqual(up.code, 0);
    assert.match(up.stdout + up.stderr, new RegExp(`no answer from ${WEB[4]} through the exit`));
    assert.equal(await routing("server"), former);
    for (const family of FAMILIES) assert.ok(await reachesSshSoon(mesh.lab, "server", WEB[family]));
    await session.on("relay", "nft delete table inet lab");
  });

  it("keeps every open session, also one in which the host sends first", async () => {
    const stream = await TcpStream.open(mesh.lab, "web", "server", SERVER[4], 7000);
    // A host that tracks connections already, as firewalls do.
    const hook = "type filter hook input priority 0";
    await session.on(
      "bare",
      `nft 'table inet own { chain in { ${hook}; ct state invalid drop; }; }'`,
    );
    const logins = () => mesh.lab.logins("server") + mesh.lab.logins("bare");
    const opened = logins() + 4;
    const script = "until [ -e /tmp/speak ]; do sleep 0.1; done; echo spoken";
    const waits = [SERVER, BARE].flatMap((host) =>
      FAMILIES.map((family) => login(mesh.lab, host[family], script)),
    );
    const allOpen = () => (logins() >= opened ? true : undefined);
    assert.ok(await poll(allOpen, { limitMs: 15_000, pauseMs: 50 }));
    setConfig(mesh.stack, ["peers", "bare", "routeAll"], true);
    succeeded(await session.pulumi(...UP));
    for (const host of ["server", "bare"]) await session.on(host, "touch /tmp/speak");
    for (const client of await Promise.all(waits)) assert.equal(client.stdout, "spoken\n");
    await stream.goesOn();
    stream.close();
  });

  it("sends everything else out at the relay", async () => {
    await countLeaks();
    for (const family of FAMILIES) {
      assert.ok(await reachesSshSoon(mesh.lab, "server", WEB[family]), WEB[family]);
      assert.ok(await webSaw(RELAY[family]), mesh.lab.sshLog("web"));
    }
    assert.ok(await reachesSshSoon(mesh.lab, "bare", WEB[4]));
    assert.deepEqual(await leaks(), ["0", "0"]);
  });

  it("sends no IPv6 past the tunnel where the tunnel has none", async () => {
    await countLeaks();
    assert.equal(await reaches("bare", WEB[6]), false);
    assert.equal(await canPing(mesh.lab, "bare", WEB[6]), false);
    assert.deepEqual(await leaks(), ["0", "0"]);
  });

  it("lets logins in at its own addresses, and reaches its neighbours directly", async () => {
    for (const { 4: four, 6: six } of [SERVER, BARE]) {
      await logsIn(four);
      await logsIn(six);
    }
    assert.ok(await canPingSoon(mesh.lab, "web", SERVER[4]));
    assert.ok(await reachesSshSoon(mesh.lab, "server", NEIGHBOUR));
    assert.ok(await waitForLog(mesh.lab, "neighbour", new RegExp(`closed by ${SERVER[4]} `)));
    assert.ok(await canPingSoon(mesh.lab, "server", "10.0.0.3"));
  });

  it("changes nothing in a second up, and status finds nothing", async () => {
    const up = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
    succeeded(await session.command("status"));
    succeeded(await session.command("up", "--check"));
  });

  it("has the same after a boot, from the config file alone", async () => {
    for (const host of ["server", "bare"]) {
      const former = await routing(host);
      await session.on(host, "wg-quick down wg0 2>&1");
      assert.doesNotMatch(await session.on(host, "ip rule; ip -6 rule"), /51820|suppress/);
      await session.on(host, "wg-quick up wg0 2>&1");
      assert.equal(await routing(host), former, host);
    }
    assert.ok(await canPingSoon(mesh.lab, "server", WEB[4]));
    succeeded(await session.command("status"));
  });

  it("repairs flushed rules", async () => {
    const former = await routing("server");
    await session.on("server", "ip rule del priority 32765; ip -6 rule del priority 32765");
    const status = await session.command("status");
    assert.match(status.stdout, /the IPv4 rule that leads into the tunnel/);
    succeeded(await session.command("up", "--check"));
    assert.equal(await routing("server"), former);
  });

  it("lets logins in again by itself after all tables were flushed", async () => {
    await session.on("server", "nft flush ruleset");
    const isIn = async () => ((await reaches("operator", SERVER[4])) ? true : undefined);
    assert.ok(await poll(isIn, { limitMs: 60_000, pauseMs: 500 }));
    const from = mesh.lab.sshLog("server").length;
    await logsIn(SERVER[4]).catch(async (error: unknown) => {
      const table = await session.on(
        "server",
        "nft list ruleset; ip rule; nstat -az | grep Filter",
      );
      assert.fail(`${String(error)}\n${mesh.lab.sshLog("server").slice(from)}\n${table}`);
    });
    succeeded(await session.command("status"));
  });

  it("uses its own default route again without routeAll, and leaves nothing when it is removed", async () => {
    deleteConfig(mesh.stack, ["peers", "server", "routeAll"]);
    for (const key of ["peers", "privateKeys"]) deleteConfig(mesh.stack, [key, "bare"]);
    succeeded(await session.pulumi(...UP));
    for (const host of ["server", "bare"]) {
      const left = "ip rule; ip -6 rule; ip route show table all; nft list tables";
      assert.doesNotMatch(await session.on(host, left), /51820|suppress|wireguard-mesh/);
      for (const family of FAMILIES) assert.ok(await reachesSshSoon(mesh.lab, host, WEB[family]));
    }
    assert.deepEqual(await leftoversOn(session, "bare"), []);
    for (const family of FAMILIES) assert.ok(await webSaw(SERVER[family]));
  });

  it("leaks no secret", () => session.leaks.end());
});
