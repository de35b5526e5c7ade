/** Other programs' packet filters beside the mesh's table: only theirs are reported as blocking. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { firewallNotes } from "../../../mesh/host/firewall-notes";
import { pushed, RELAY, wantedBy } from "./support/examples";
import { look } from "./support/situations";

const FILTERED = { ...RELAY, forwarding: { ipv4: true, ipv6: false } };

/** Drops everything that is forwarded or comes from the tunnel. */
function dropping(table: string): string {
  const chain = (hook: string) =>
    `\tchain ${hook} {\n\t\ttype filter hook ${hook} priority filter; policy accept;\n\t\tiifname "wg0" counter drop\n\t}\n`;
  return `table ${table} {\n${chain("forward")}${chain("input")}}\n`;
}

/** `masquerades`: the traffic that the host's own table masquerades; null: none. */
function notes(nft: string, masquerades: string | null): string[] {
  const nat = masquerades === null ? "" : `\tchain nat {\n\t\t${masquerades} masquerade\n\t}\n`;
  const filter = `table inet wireguard-mesh-wg0 {\n${nat}}\n`;
  const wanted = { ...wantedBy(FILTERED), filter };
  const observed = { ...look(pushed(FILTERED), wanted), nft: nft.split("\n") };
  return firewallNotes(observed, wanted);
}

/** Like those of an exit, and of a gateway to its LANs. */
const ANYTHING = 'oifname != "wg0" ip saddr @leaving ip daddr != @inside';
const TO_LANS = 'oifname != "wg0" ip saddr @remote ip daddr @lans';

const through = (chain: string, table: string, to: string) =>
  `a firewall on this host (chain ${chain} of ${table}) lets nothing through from wg0 to ${to}: `;

describe("a packet filter beside the mesh's", () => {
  it("is not the mesh's, even with a similar name", () => {
    assert.deepEqual(notes(dropping("inet wireguard-mesh-wg0"), ANYTHING), []);
    for (const table of ["inet wireguard-mesh-wg01", "ip wireguard-mesh-wg0", "inet mine"]) {
      const [first] = notes(dropping(table), null);
      assert.ok(first?.startsWith(through("forward", table.replace(" ", "/"), "wg0")), first);
    }
  });

  it("wins where it drops traffic to the default route", () => {
    const lets = dropping("inet mine").replace("counter drop", 'oifname != "wg0" drop');
    const forward = lets.replace(/\tchain input [^}]*}\n/, "");
    const [only, ...more] = notes(forward, ANYTHING);
    assert.equal(
      only,
      `${through("forward", "inet/mine", "eth0")}sudo nft insert rule inet mine forward iifname wg0 oifname eth0 accept # and keep it in /etc/nftables.conf`,
    );
    assert.deepEqual(more, []);
    for (const other of [null, TO_LANS]) assert.deepEqual(notes(forward, other), []);
  });

  it("of ufw is opened by ufw for both ways out", () => {
    const ufw = readFileSync(path.join(__dirname, "firewalls/ufw.nft"), "utf8");
    const forwarded = notes(ufw, ANYTHING).filter((it) => it.includes("FORWARD"));
    assert.deepEqual(forwarded, [
      `${through("FORWARD", "ip/filter", "wg0")}sudo ufw route allow in on wg0 out on wg0`,
      `${through("FORWARD", "ip/filter", "eth0")}sudo ufw route allow in on wg0 out on eth0`,
    ]);
  });

  it("of Docker is opened by one command for both ways out", () => {
    const docker = readFileSync(path.join(__dirname, "firewalls/docker.nft"), "utf8");
    const forwarded = notes(docker, ANYTHING).filter((it) => it.includes("FORWARD"));
    assert.deepEqual(forwarded, [
      `${through("FORWARD", "ip/filter", "wg0")}sudo iptables -I DOCKER-USER -i wg0 -j ACCEPT && sudo iptables -I DOCKER-USER -o wg0 -j ACCEPT # and keep them`,
    ]);
  });
});
