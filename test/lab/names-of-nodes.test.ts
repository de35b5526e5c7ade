/** Names of nodes under network.domain, end to end. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { leftoversOn, openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";

const HOSTS = ["relay", "desktop", "laptop", "nas"];

/** A stand-in for resolvconf, which wg-quick(8) calls for `DNS =`. */
const RESOLVCONF =
  "printf '#!/bin/sh\\n[ \"$1\" != -a ] || cat >/etc/resolv.conf\\n' >/usr/local/bin/resolvconf; chmod 755 /usr/local/bin/resolvconf";
const DNS_PROCESS = "pgrep -f '[d]nsmasq.*wg0'";
/** A name server of the internet. */
const NAME_SERVER =
  "dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file=/root/dns.pid --address=/www.example.org/203.0.113.99";

describe("a network with a domain", function () {
  let mesh: MeshLab;
  let session: MeshSession;
  let former: Record<string, string>;
  before(async () => {
    const phone = { nat: "cafe", ip: "192.168.12.31" };
    const hosts = { ...relay.world.hosts, nas: { public: "203.0.113.40" }, phone };
    mesh = await meshLab(
      { ...relay, world: { ...relay.world, hosts } },
      "test-names",
      (config) => ({
        ...config,
        network: { ...config.network, domain: "mesh.internal" },
        peers: { ...config.peers, phone: { address: "10.0.0.9" } },
      }),
    );
    session = await openSession(mesh);
    // One file ends without a newline.
    await session.on("laptop", "printf '10.1.1.1 printer' >>/etc/hosts");
    former = await digests();
    await session.on("nas", NAME_SERVER);
    await session.on("relay", "echo nameserver 203.0.113.40 >/etc/resolv.conf");
  });
  after(() => mesh.lab.down());

  const digests = async () =>
    Object.fromEntries(
      await Promise.all(
        HOSTS.map(async (host) => [host, await session.on(host, "sha256sum </etc/hosts")]),
      ),
    ) as Record<string, string>;
  /** The address of a name on a host, or nothing. */
  const lookUp = (host: string, name: string) =>
    session.on(host, `getent hosts ${name} | cut -d ' ' -f 1`);

  it("gives every host the full and short names of all nodes, except its own short name", async () => {
    succeeded(await session.pulumi(...UP));
    for (const host of ["relay", "desktop", "laptop"]) {
      assert.equal(await lookUp(host, "relay.mesh.internal"), "10.0.0.1");
      assert.equal(await lookUp(host, "desktop.mesh.internal"), "10.0.0.2");
      assert.equal(await lookUp(host, "laptop.mesh.internal"), "10.0.0.3");
    }
    assert.equal(await lookUp("laptop", "desktop"), "10.0.0.2");
    assert.equal(await lookUp("laptop", "laptop"), "127.0.0.1");
    assert.equal(await lookUp("laptop", "printer"), "10.1.1.1");
    assert.equal(await canPingSoon(mesh.lab, "laptop", "desktop.mesh.internal"), true);
  });

  it("resolves names of nodes and of the internet for a device, through the tunnel", async () => {
    // Not by the session, which searches all output for secrets: this config has its keys.
    const command = ["node", "dist/scripts/wireguard-mesh.js", "config", "phone"];
    const config = succeeded(await mesh.lab.exec("operator", command)).stdout;
    assert.match(config, /^DNS = 10\.0\.0\.1, mesh\.internal$/m);
    await session.on("phone", RESOLVCONF);
    const file = "umask 077; cat >/etc/wireguard/wg0.conf; wg-quick up wg0 2>&1";
    const up = await mesh.lab.exec("phone", ["sh", "-c", file], { input: config });
    assert.equal(up.code, 0, up.stdout);
    assert.equal(await canPingSoon(mesh.lab, "phone", "10.0.0.1"), true);
    assert.equal(await lookUp("phone", "desktop.mesh.internal"), "10.0.0.2");
    assert.equal(await lookUp("phone", "laptop"), "10.0.0.3");
    assert.equal(await lookUp("phone", "www.example.org"), "203.0.113.99");
    assert.equal(await lookUp("phone", "missing.mesh.internal"), "");
  });

  it("answers no query from outside the tunnel", async () => {
    const sockets = await session.on("relay", "ss -Hlnu 'sport = :53' | awk '{ print $4 }'");
    // wireguard-go gives the interface a link-local address too.
    assert.match(
      sockets,
      /^(10\.0\.0\.1:53|\[fe80::\S+\]%wg0:53)(\n(10\.0\.0\.1|\[fe80::\S+\]%wg0):53)*$/,
    );
    const ask = "timeout 5 busybox nslookup desktop.mesh.internal 203.0.113.10 || echo none";
    assert.match(await session.on("nas", ask), /none$/);
  });

  it("is not changed by a second up, and status finds nothing", async () => {
    const before = session.logins();
    succeeded(await session.pulumi(...UP));
    const none = { relay: 0, desktop: 0, laptop: 0, nas: 0, phone: 0 };
    assert.deepEqual(session.loginsSince(before), none);
    succeeded(await session.command("status"));
  });

  it("reports names that were removed from /etc/hosts, and restores them", async () => {
    await session.on("desktop", "sed -i '/laptop/d' /etc/hosts");
    const status = await session.command("status");
    assert.equal(status.code, 1);
    assert.match(status.stdout, /the names of nodes in \/etc\/hosts are not as planned/);
    succeeded(await session.command("repush", "desktop"));
    assert.equal(await lookUp("desktop", "laptop.mesh.internal"), "10.0.0.3");
  });

  it("gives a new peer's name to every host, and takes it away with the peer", async () => {
    const server = await session.on("relay", DNS_PROCESS);
    const host = ["--host", "root@203.0.113.40", "--host-key", mesh.lab.hostKey("nas")];
    succeeded(await session.command("add-peer", "nas", ...host));
    succeeded(await session.pulumi(...UP));
    assert.equal(await lookUp("desktop", "nas.mesh.internal"), "10.0.0.4");
    assert.equal(await lookUp("nas", "laptop.mesh.internal"), "10.0.0.3");
    assert.equal(await lookUp("phone", "nas.mesh.internal"), "10.0.0.4");
    assert.equal(await session.on("relay", DNS_PROCESS), server);
    succeeded(await session.command("remove-peer", "nas"));
    succeeded(await session.pulumi(...UP));
    assert.equal(
      await session.on("desktop", "getent hosts nas.mesh.internal || echo none"),
      "none",
    );
    assert.equal((await digests())["nas"], former["nas"]);
    assert.deepEqual(await leftoversOn(session, "nas"), []);
  });

  it("restores /etc/hosts byte for byte when the domain is removed, and leaves no DNS server", async () => {
    deleteConfig(mesh.stack, ["network", "domain"]);
    succeeded(await session.pulumi(...UP));
    assert.equal(await session.on("relay", `${DNS_PROCESS} || echo none`), "none");
    assert.deepEqual(await digests(), former);
    setConfig(mesh.stack, ["network", "domain"], "mesh.internal");
    succeeded(await session.pulumi(...UP));
    assert.equal(await lookUp("laptop", "desktop.mesh.internal"), "10.0.0.2");
  });

  it("leaves nothing when the network is taken down", async () => {
    succeeded(await session.pulumi("destroy", "--yes"));
    assert.deepEqual(await digests(), former);
    assert.equal(await session.on("relay", `${DNS_PROCESS} || echo none`), "none");
    for (const host of HOSTS) assert.deepEqual(await leftoversOn(session, host), []);
  });

  it("leaks no secret", () => session.leaks.end());
});
