/** Parsing what a host prints, from real output of ip(8) and wg(8). */
import assert from "node:assert/strict";
import { parseObservation } from "../../../mesh/host/observation";
import { watchedLinesOfFormat2 } from "../../../mesh/host/watched-keys";
import { RELAY } from "./support/examples";
import { freshHost, pushedByFormat2 } from "./support/hosts";
import { sectionsOf } from "./support/observe";
import { currentKey, nextKey, requestOf } from "./support/requests";

const observed = (sections: Record<string, string[]>) =>
  parseObservation(new Map(Object.entries(sections)), "wg0");

/** iproute2 6.1, `ip -j -batch`, shortened. */
const IP = [
  '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"qdisc":"noqueue","operstate":"UNKNOWN","linkmode":"DEFAULT","group":"default","txqlen":1000,"link_type":"loopback","address":"00:00:00:00:00:00","broadcast":"00:00:00:00:00:00"},{"ifindex":3,"ifname":"wg0","flags":["NO-CARRIER","POINTOPOINT","MULTICAST","NOARP","UP"],"mtu":1420,"qdisc":"pfifo_fast","operstate":"DOWN","linkmode":"DEFAULT","group":"default","txqlen":500,"link_type":"none"},{"ifindex":4,"link":"eth0","ifname":"eth0.5","flags":["BROADCAST"],"mtu":1500,"master":"br0","link_type":"ether"}]',
  '[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"mtu":65536,"addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host","label":"lo"},{"family":"inet6","local":"::1","prefixlen":128,"scope":"host"}]},{"ifindex":3,"ifname":"wg0","mtu":1420,"addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24,"scope":"global","label":"wg0","valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]}]',
  '[{"dst":"10.9.2.3","dev":"wg0","table":"5182","scope":"link","flags":["linkdown"]},{"dst":"10.0.0.0/24","dev":"wg0","protocol":"kernel","scope":"link","prefsrc":"10.0.0.1","flags":["linkdown"]},{"type":"blackhole","dst":"10.8.0.0/16","flags":[]},{"dst":"default","gateway":"192.168.1.1","dev":"eth0","protocol":"dhcp","metric":100,"flags":[]},{"dst":"10.9.1.0/24","flags":[],"nexthops":[{"gateway":"192.168.1.2","dev":"eth0","weight":1,"flags":[]},{"gateway":"192.168.1.3","dev":"eth0","weight":1,"flags":[]}]},{"dst":"fd00::/64","dev":"wg0","metric":1024,"flags":["linkdown"],"pref":"medium"}]',
  '[{"priority":0,"src":"all","table":"local"},{"priority":5182,"src":"all","table":"5182"},{"priority":32766,"src":"all","table":"main"}]',
  '[{"priority":0,"src":"all","table":"local"},{"priority":9,"src":"10.0.0.0","srclen":8,"table":"7"}]',
];

const plain = { mark: null };
const asks = (table: string) => ({ table, selector: `table ${table}` });

describe("an observation", () => {
  it("has links, addresses, routes and rules as ip prints them", () => {
    const { links, routes, rules } = observed({ ip: IP }).network;
    assert.deepEqual(
      [...links.values()],
      [
        { name: "lo", mtu: 65536, up: true, type: "loopback", master: null, addresses: [] },
        {
          name: "wg0",
          mtu: 1420,
          up: true,
          type: "none",
          master: null,
          addresses: ["10.0.0.1/24"],
        },
        { name: "eth0.5", mtu: 1500, up: false, type: "ether", master: "br0", addresses: [] },
      ],
    );
    const short = routes.map((route) => [
      ...[route.prefix, route.device, route.gateway, route.metric, route.protocol],
      ...[route.table, route.type, route.complete],
    ]);
    assert.deepEqual(short, [
      ["10.9.2.3/32", "wg0", null, null, "boot", "5182", "unicast", true],
      ["10.0.0.0/24", "wg0", null, null, "kernel", "main", "unicast", true],
      ["10.8.0.0/16", null, null, null, "boot", "main", "blackhole", true],
      ["default", "eth0", "192.168.1.1", 100, "dhcp", "main", "unicast", true],
      ["10.9.1.0/24", "eth0", "192.168.1.2", null, "boot", "main", "unicast", false],
      ["fd00::/64", "wg0", null, 1024, "boot", "main", "unicast", true],
    ]);
    assert.deepEqual(rules, [
      { ...plain, family: 4, priority: 0, ...asks("local") },
      { ...plain, family: 4, priority: 5182, ...asks("5182") },
      { ...plain, family: 4, priority: 32766, ...asks("main") },
      { ...plain, family: 6, priority: 0, ...asks("local") },
      { ...plain, family: 6, priority: 9, table: "7", selector: null },
    ]);
  });

  it("has WireGuard's interfaces as wg prints them, without secrets", () => {
    const key = currentKey(0);
    const { devices } = observed({
      wg: [
        `wg0\t${currentKey(1)}\t51820\toff`,
        `wg0\t${key}\tsame\t[2001:db8::7]:51820\t10.0.0.2/32,fd00::/64\t1700000000\t92\t180\t25`,
        `wg0\t${nextKey(0)}\tnone\t(none)\t(none)\t0\t0\t0\toff`,
        `wg1\t${nextKey(1)}\tset\t[fe80::1%eth0]:9\t(none)\t0\t0\t0\toff`,
      ],
    });
    assert.deepEqual([...devices.keys()], ["wg0"]);
    const device = devices.get("wg0");
    assert.deepEqual([device?.publicKey, device?.listenPort], [currentKey(1), 51820]);
    assert.deepEqual(
      [...(device?.peers.values() ?? [])],
      [
        {
          publicKey: key,
          presharedKey: "same",
          endpoint: { address: "2001:db8::7", port: 51820 },
          allowedIps: ["10.0.0.2/32", "fd00::/64"],
          latestHandshake: 1700000000,
          receivedBytes: 92,
          sentBytes: 180,
          keepalive: 25,
        },
        {
          publicKey: nextKey(0),
          presharedKey: "none",
          endpoint: null,
          allowedIps: [],
          latestHandshake: 0,
          receivedBytes: 0,
          sentBytes: 0,
          keepalive: 0,
        },
      ],
    );
  });

  it("has the host's facts, sysctls, digests, answers and files", () => {
    const it = observed({
      host: [
        ...[
          "boot 1-2",
          "now 1700000000",
          "init systemd",
          "tools wg ip",
          "ip full",
          "wireguard none",
        ],
        ...["link /a", "link /b", "pending 0f applied", "watcher missing", "result failed: no"],
        ...["ping 10.0.0.1 answered", "ping 10.0.0.2 lost"],
      ],
      kernel: [
        "/proc/sys/net/ipv4/ip_forward:1",
        "/sys/class/net/wg1/uevent:DEVTYPE=wireguard",
        "/sys/class/net/wg1/uevent:INTERFACE=wg1",
      ],
      files: [
        ...[`${"ab".repeat(32)}  /etc/wireguard/wg0.conf`, "sha256sum: /x: No such file"],
        "/etc/wireguard/wg0.conf",
      ],
      names: ["a.example 192.0.2.1", "a.example 192.0.2.1", "b.example ::FFFF:0:1", "c.example x"],
      config: ["/etc/wireguard/wg0.conf:[Interface]", "/etc/wireguard/wg0.conf:# a: b"],
      mounts: ["36 35 98:0 /mnt1 /etc/wireguard/wg0.conf rw,noatime - ext3 /dev/root rw"],
      "own-keys": [currentKey(0)],
      nft: ["table ip a {", "}"],
    });
    assert.deepEqual(
      [it.bootId, it.now, it.init, [...it.tools], it.ip, it.wireguard, it.result],
      ["1-2", 1700000000, "systemd", ["wg", "ip"], "full", "none", "failed: no"],
    );
    assert.deepEqual(
      [...it.bootLinks, it.pending, it.watcher],
      ["/a", "/b", { token: "0f", state: "applied" }, "missing"],
    );
    assert.deepEqual(it.pings, [
      { address: "10.0.0.1", answered: true },
      { address: "10.0.0.2", answered: false },
    ]);
    assert.deepEqual([...it.sysctls], [["net/ipv4/ip_forward", "1"]]);
    assert.deepEqual([...it.deviceTypes], [["wg1", "wireguard"]]);
    assert.deepEqual([...it.digests], [["/etc/wireguard/wg0.conf", "ab".repeat(32)]]);
    assert.deepEqual([...it.openFiles], ["/etc/wireguard/wg0.conf"]);
    assert.deepEqual(
      [...it.answers],
      [
        ["a.example", ["192.0.2.1"]],
        ["b.example", ["::ffff:0:1"]],
      ],
    );
    assert.deepEqual(it.configs.get("/etc/wireguard/wg0.conf"), ["[Interface]", "# a: b"]);
    assert.deepEqual(
      [[...it.mountPoints], [...it.ownKeys], it.nft],
      [["/etc/wireguard/wg0.conf"], [currentKey(0)], ["table ip a {", "}"]],
    );
  });

  it("reads the records of format 2 like those of this version", () => {
    const host = freshHost();
    pushedByFormat2(
      host,
      requestOf({ ...RELAY, second: { key: 21, port: 51821 }, instance: "i-1" }),
    );
    const { records } = parseObservation(sectionsOf(host, null), "wg0");
    assert.deepEqual(records.owner, {
      stack: "wireguard-mesh/test",
      node: "host",
      machine: "machine",
      released: false,
    });
    assert.deepEqual(
      [records.format, records.second, records.confirmedFile],
      [2, "wg0-next", null],
    );
    const { digest, instances, probes, ownMtu, rpFilter, serial } = records.confirmed ?? {};
    assert.deepEqual(
      { digest, instances, probes, ownMtu, rpFilter, serial },
      {
        digest: "former",
        instances: [`i-1:${currentKey(0)}`],
        probes: ["10.86.0.20"],
        ownMtu: 1420,
        rpFilter: 1,
        serial: 0,
      },
    );
    assert.deepEqual(records.watched, [
      ...[
        `route ${currentKey(0)} 10.86.0.20/32`,
        `route ${currentKey(1)} 10.86.0.21/32,192.168.10.0/24`,
      ].sort(),
      "second wg0-next wg0",
    ]);
  });
});

describe("the pairs of format 2's watcher", () => {
  it("are read as lines of this version, without a default route of one peer", () => {
    const lines = [
      "pair A B",
      "alternate wg0-next",
      "prefixes A 10.0.0.2/32,10.1.0.0/16",
      "prefixes C 0.0.0.0/0",
    ];
    assert.deepEqual(watchedLinesOfFormat2("wg0", lines), [
      "pair wg0 A B 10.0.0.2/32,10.1.0.0/16",
      "pair wg0-next A B 10.0.0.2/32,10.1.0.0/16",
      "route A:B 10.0.0.2/32,10.1.0.0/16",
      "second wg0-next wg0",
    ]);
  });
});
