/** The DNS server of a relay: its files, and the decisions about it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { dnsConfigLines, dnsInitText, dnsUnitLines } from "../../../mesh/host/dns-server";
import { namesUnitLines } from "../../../mesh/host/names";
import { toolsToInstall } from "../../../mesh/host/tools";
import { programs } from "../../support/programs";
import {
  changeOn,
  decideOn,
  pushed,
  refusalOn,
  RELAY,
  stepsText,
  wantedBy,
} from "./support/examples";
import { freshHost } from "./support/hosts";
import { DNS_CONFIG, DNS_UNIT, NAMES } from "./support/hosts-file";
import { look } from "./support/situations";

const named = { ...RELAY, names: [0], serves: true };
const bare = { ...RELAY, names: [0], serves: false };
const UNIT = "wireguard-mesh-dns-wg0.service";

describe("the DNS server of a relay", () => {
  /** The steps of the commit that concern it, without data. */
  const steps = (host = pushed(named), draw = named) =>
    stepsText(changeOn(host, draw), "commit").filter((step) => /^(?! ).*(dns|\.hosts)/.test(step));

  it("answers queries through the tunnel, for the domain only from the names", () => {
    assert.deepEqual(dnsConfigLines(wantedBy(named))?.slice(1), [
      "interface=wg0",
      "interface=wg0-next",
      "except-interface=lo",
      "bind-dynamic",
      "no-hosts",
      "addn-hosts=/etc/wireguard-mesh/wg0.hosts",
      "local=/mesh.internal/",
      "domain-needed",
      "edns-packet-max=1232",
      "cache-size=1000",
    ]);
    assert.equal(dnsConfigLines(wantedBy(bare)), null);
    assert.equal(dnsConfigLines(wantedBy(RELAY)), null);
  });

  it("is a unit of systemd that succeeds once its sockets are bound", () => {
    const lines = dnsUnitLines(wantedBy(named));
    for (const line of [
      "After=network.target wg-quick@wg0.service",
      "Type=forking",
      "PIDFile=/run/wireguard-mesh-dns-wg0.pid",
      "ExecStart=dnsmasq -C /etc/wireguard-mesh/wg0.dnsmasq.conf -x /run/wireguard-mesh-dns-wg0.pid",
      "Restart=on-failure",
      "WantedBy=multi-user.target",
    ]) {
      assert.ok(lines?.includes(line), line);
    }
  });

  it("has units that systemd accepts", function () {
    programs.require(this, "dnsmasq");
    // Not checked on a machine without systemd.
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0) this.skip();
    const folder = mkdtempSync(path.join(tmpdir(), "dns-server-"));
    const seen = { ...look(freshHost(), wantedBy(named)), cloudInit: true };
    const units = [dnsUnitLines(wantedBy(named)), namesUnitLines(seen, wantedBy(named))];
    const files = units.map((lines, at) => {
      const file = path.join(folder, `wireguard-mesh-${at}.service`);
      writeFileSync(file, `${lines?.join("\n") ?? ""}\n`);
      return file;
    });
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...files], {
      encoding: "utf8",
    });
    rmSync(folder, { recursive: true });
    assert.equal(status, 0, stderr);
    assert.ok(!stderr.includes(folder), stderr);
  });

  it("is started by a push with its files, and at boot", () => {
    assert.deepEqual(steps(pushed()), [
      `place 644 ${NAMES}`,
      `place 644 ${DNS_CONFIG}`,
      `place 644 ${DNS_UNIT}`,
      `hosts ${NAMES}`,
      `enable ${UNIT}`,
      "dns restart",
    ]);
    assert.equal(decideOn(pushed(named), named).kind, "nothing");
  });

  it("reads new names without a restart, and is not touched by other changes", () => {
    const more = { ...named, names: [0, 1] };
    assert.deepEqual(steps(pushed(named), more), [
      `place 644 ${NAMES}`,
      `hosts ${NAMES}`,
      "dns reload",
    ]);
    assert.deepEqual(steps(pushed(named), { ...named, mtu: 1380 }), []);
  });

  it("is started again where it was killed, or its settings or unit were changed", () => {
    const killed = pushed(named);
    killed.dns = null;
    assert.deepEqual(steps(killed), ["dns restart"]);
    for (const path of [DNS_CONFIG, DNS_UNIT]) {
      const edited = pushed(named);
      edited.files.set(path, "# by hand\n");
      assert.deepEqual(steps(edited), [`place 644 ${path}`, "dns restart"]);
    }
  });

  it("is removed with its files where it is no longer wanted", () => {
    assert.deepEqual(steps(pushed(named), bare), [
      `disable ${UNIT}`,
      `delete ${DNS_CONFIG}`,
      `delete ${DNS_UNIT}`,
      "dns stop",
    ]);
    const host = pushed(bare, pushed(named));
    assert.ok(!host.files.has(DNS_CONFIG) && host.dns === null);
  });

  it("has a script of its own with OpenRC", () => {
    const host = pushed(RELAY, { ...freshHost(), init: "openrc" });
    assert.deepEqual(steps(host), [
      `place 644 ${NAMES}`,
      `place 644 ${DNS_CONFIG}`,
      `hosts ${NAMES}`,
      "place 755 /etc/init.d/wireguard-mesh-dns.wg0",
      "openrc add wireguard-mesh-dns.wg0",
      "dns restart",
    ]);
    pushed(named, host);
    assert.equal(decideOn(host, named).kind, "nothing");
    assert.deepEqual(steps(host, bare), [
      "openrc del wireguard-mesh-dns.wg0",
      "delete /etc/init.d/wireguard-mesh-dns.wg0",
      `delete ${DNS_CONFIG}`,
      "dns stop",
    ]);
    assert.match(
      dnsInitText("wg0"),
      /^start\(\) .*; dnsmasq -C \/etc\/wireguard-mesh\/wg0\.dnsmasq\.conf -x/m,
    );
  });

  it("is installed where it is missing, and named where that cannot be done", () => {
    const missing = new Set("wg wg-quick ip flock sha256sum awk apt-get".split(" "));
    const observed = { ...look(freshHost(), wantedBy(named)), tools: missing };
    assert.deepEqual(toolsToInstall(observed, wantedBy(named))?.packages, ["dnsmasq-base"]);
    assert.equal(toolsToInstall(observed, wantedBy(bare)), null);
    const see = () => ({ tools: missing });
    assert.match(
      refusalOn(pushed(), named, see),
      /^dnsmasq, which .* could not be installed\ninstall/,
    );
    assert.equal(decideOn(pushed(), bare, see).kind, "change");
  });

  for (const [what, socket, cause] of [
    [
      "of another program at the tunnel address",
      'udp UNCONN 0 0 10.86.0.1:53 0.0.0.0:* users:(("named",pid=12,fd=3))',
      "named (process 12) on this host answers at 10.86.0.1:53 (udp)",
    ],
    [
      "of another program at all addresses",
      'tcp LISTEN 0 32 *:53 *:* users:(("unbound",pid=13,fd=3))',
      "unbound (process 13) on this host answers at *:53 (tcp)",
    ],
    [
      "that nobody knows",
      "udp UNCONN 0 0 [::]:53 [::]:*",
      "another program on this host answers at [::]:53 (udp)",
    ],
  ] as const) {
    it(`is refused before the change where port 53 has a socket ${what}`, () => {
      const refused = refusalOn(pushed(), named, () => ({ dnsSockets: [socket] }));
      assert.ok(refused.startsWith(`${cause}, where its devices`), refused);
      assert.match(refused, /\nkeep it off wg0 there/);
      assert.equal(decideOn(pushed(), bare, () => ({ dnsSockets: [socket] })).kind, "change");
    });
  }

  it("may run beside programs at other addresses, and beside its own process", () => {
    const dnsSockets = [
      'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=5,fd=3))',
      'udp UNCONN 0 0 192.168.122.1:53 0.0.0.0:* users:(("dnsmasq",pid=6,fd=3))',
      'udp UNCONN 0 0 10.86.0.1:53 0.0.0.0:* users:(("dnsmasq",pid=77,fd=3))',
    ];
    const decision = decideOn(pushed(named), { ...named, mtu: 1380 }, () => ({ dnsSockets }));
    assert.equal(decision.kind, "change");
  });
});
