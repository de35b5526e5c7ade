/** Networks of public guides and issue threads, as their wg-quick files. */
import assert from "node:assert/strict";
import { wgEasyClients } from "../../../mesh/import/wg-easy";
import { Secret } from "../../../mesh/secret";
import { keyPair } from "../../support/key-pairs";
import { differencesOf, factsOf, importFixture, problemsOf } from "./support";

const RELAY = { endpoint: "203.0.113.10:51820" };

describe("an import of a public example", () => {
  it("the origin article: a relay between two peers, in other spelling and with CRLF", () => {
    const imported = importFixture("origin");
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.0.0.0/24" },
      relays: { c: { address: "10.0.0.1", ...RELAY } },
      peers: { a: { address: "10.0.0.2" }, b: { address: "10.0.0.3" } },
    });
    assert.deepEqual(differencesOf(imported), {});
    assert.equal(imported.seed, false);
  });

  it("a NATed peer without keepalive: kept, with a warning", () => {
    const imported = importFixture("no-keepalive");
    assert.deepEqual(factsOf(imported)["peers"], {
      nas: { address: "10.0.0.3", persistentKeepalive: 0 },
      phone: { address: "10.0.0.2" },
    });
    assert.deepEqual(differencesOf(imported), {});
    assert.deepEqual(
      imported.warnings.map(({ path }) => path),
      ["peers.nas.persistentKeepalive"],
    );
  });

  it("a preshared key for each pair, and single addresses at the spokes: only those differ", () => {
    const imported = importFixture("hub-and-spoke");
    const single = (...last: number[]) => last.map((it) => `192.168.10.${it}/32`).join(", ");
    const wider = (...last: number[]) => [
      `peer alice: AllowedIPs 192.168.10.0/24 instead of ${single(...last)}`,
    ];
    assert.deepEqual(differencesOf(imported), {
      bob: wider(1, 2, 3),
      charlie: wider(1, 100, 3),
      dave: wider(1, 100, 2),
    });
    assert.deepEqual(
      imported.secrets.map(({ path }) => path.join(".")).filter((it) => it.startsWith("preshared")),
      ["alice/bob", "alice/charlie", "alice/dave"].map((link) => `presharedKeys.${link}`),
    );
    assert.equal(imported.seed, true);
  });

  it("two sites: their LANs, their keepalive, and hooks that a push replaces", () => {
    const imported = importFixture("site-to-site", { hub: "root@203.0.113.10" });
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.8.0.0/24", persistentKeepalive: 20 },
      relays: { hub: { address: "10.8.0.1", host: "root@203.0.113.10", ...RELAY } },
      peers: {
        bar: { address: "10.8.0.3", subnets: ["192.168.1.0/24"] },
        foo: { address: "10.8.0.2", subnets: ["192.168.0.0/24"] },
      },
    });
    assert.deepEqual(differencesOf(imported), {});
    assert.deepEqual(problemsOf("site-to-site"), [
      "site-to-site/hub.conf:5: PostUp switches on forwarding, which only a push to hub can take over",
      "site-to-site/hub.conf:6: PostUp opens the firewall, which only a push to hub can take over",
    ]);
  });

  it("an installer's, which translates addresses outside of its file: needs a push", () => {
    assert.deepEqual(problemsOf("installer"), [
      "installer/wg0.conf: peers send everything through installer, which has to translate addresses, and only a push can set that up",
    ]);
    const imported = importFixture("installer", { installer: "root@203.0.113.10" });
    const device = { routeAll: true, blockIpv6: true, dns: ["8.8.8.8", "8.8.4.4"] };
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.7.0.0/24" },
      relays: {
        installer: { address: "10.7.0.1", host: "root@203.0.113.10", exit: true, ...RELAY },
      },
      peers: {
        laptop: { address: "10.7.0.3", ...device },
        phone: { address: "10.7.0.2", ...device },
      },
    });
    assert.deepEqual(differencesOf(imported), {});
  });

  it("a client's file alone that sends everything: needs that of its server", () => {
    assert.deepEqual(problemsOf("installer/wg0-client-phone.conf"), [
      "peer-ipmru: peer-ipmru has no address in 10.7.0.0/24",
      "peer-ipmru: peers send everything through it, but its file is missing",
    ]);
  });

  it("a full mesh with a roaming member", () => {
    const imported = importFixture("full-mesh");
    const at = (last: number, outer: number) => ({
      address: `10.8.0.${last}`,
      endpoint: `203.0.113.${outer}:51820`,
    });
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.8.0.0/24", persistentKeepalive: 30 },
      relays: {},
      peers: {
        controller01: at(101, 101),
        controller02: at(102, 102),
        home: at(1, 71),
        worker01: at(111, 111),
        workstation: { address: "10.8.0.2" },
      },
    });
    assert.deepEqual(differencesOf(imported), {});
  });

  it("groups at a relay: a guest whose allowed IPs are less than the network differs", () => {
    assert.deepEqual(differencesOf(importFixture("groups")), {
      guest: ["peer relay: AllowedIPs 10.60.0.0/24, 192.168.73.0/24 instead of 10.60.0.1/32"],
    });
  });

  it("only the relay's file: its peers are devices with a public key, by their comments", () => {
    const imported = importFixture("groups/relay.conf", {}, RELAY);
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.60.0.0/24" },
      relays: { relay: { address: "10.60.0.1", ...RELAY } },
      peers: {
        admin: { address: "10.60.0.2" },
        guest: { address: "10.60.0.3" },
        gw: { address: "10.60.0.4", subnets: ["192.168.73.0/24"] },
      },
    });
    assert.deepEqual(imported.withoutFile, ["admin", "guest", "gw"]);
    assert.deepEqual(differencesOf(imported), {});
    assert.deepEqual(
      imported.secrets.map(({ path }) => path.join(".")),
      ["privateKeys.relay"],
    );
  });

  it("only the relay's file, without an endpoint: says what is missing", () => {
    assert.deepEqual(problemsOf("groups/relay.conf"), [
      "relays.relay.endpoint: is missing: no node could dial this relay",
    ]);
  });
});

describe("an import of other programs' folders", () => {
  const through = { routeAll: true, blockIpv6: true, dns: "1.1.1.1" };

  it("wg-easy 14: its clients by their names, also those that are switched off", () => {
    const imported = importFixture("wg-easy", { "wg-easy": "root@203.0.113.10" });
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.8.0.0/24" },
      relays: { "wg-easy": { address: "10.8.0.1", host: "root@203.0.113.10", exit: true } },
      peers: {
        "old-laptop": { address: "10.8.0.4", ...through, enabled: false },
        tablet: { address: "10.8.0.3", ...through },
        "taros-phone": { address: "10.8.0.2", ...through },
      },
    });
    assert.deepEqual(differencesOf(imported), {});
    assert.equal(imported.secrets.length, 4 + 3);
    assert.deepEqual(imported.notes, [
      "old-laptop, tablet, taros-phone: without a file of its own, taken as a device that sends everything (routeAll) through its relay, which translates addresses",
      "wg-easy: the rules of its PostUp that open its firewall are gone after its next boot. Where that drops by default, add them to the firewall itself; `up` and `status` say what it blocks",
    ]);
  });

  it("wg-easy 14 with a client with an invalid address: says which one", () => {
    const client = { name: "phone", publicKey: keyPair(0).publicKey, address: "10.8.0.x" };
    const record = JSON.stringify({ server: {}, clients: { one: client } });
    const { known, problems } = wgEasyClients(Secret.of(record), "wg0.json");
    assert.deepEqual([known.length, problems.map(({ at }) => at)], [0, ["wg0.json, client 1"]]);
  });

  it("wg-easy 14 without a way to log in: names what a push has to take over", () => {
    assert.deepEqual(problemsOf("wg-easy"), [
      "wg-easy/wg0.conf:11: PostUp translates addresses, which only a push to wg-easy can take over",
      "wg-easy/wg0.conf:11: PostUp opens the firewall, which only a push to wg-easy can take over",
    ]);
  });

  it("Algo: the users' files and the server's, with both families and their DNS", () => {
    const imported = importFixture("algo", { algo: "root@203.0.113.10" });
    const user = (last: number) => ({
      address: `10.49.0.${last}`,
      address6: `2001:db8:a160::${last}`,
      persistentKeepalive: 0,
      routeAll: true,
      dns: ["172.24.117.23", "fd00::5:7517"],
    });
    const server = { address: "10.49.0.1", address6: "2001:db8:a160::1", exit: true };
    assert.deepEqual(factsOf(imported), {
      network: { cidr: "10.49.0.0/16", cidr6: "2001:db8:a160::/48" },
      relays: { algo: { ...server, host: "root@203.0.113.10", ...RELAY } },
      peers: { laptop: user(3), phone: user(2) },
    });
    assert.deepEqual(differencesOf(imported), {});
  });

  it("Algo's folder without the server's file: says which prefix is not known", () => {
    assert.deepEqual(problemsOf("algo/configs"), [
      "the network: no file has an IPv4 address with a prefix length, so the tunnel's prefix is not known",
    ]);
  });
});
