/** The packet filter of a relay: installed, kept, repaired, undone and removed. Needs root. */
import * as assert from "node:assert/strict";
import { RUN, STATE, UNTIL_GONE, type WantedState } from "../support/host-protocol";
import { push } from "../support/pushing";
import { reachesSshSoon, tcpBanner } from "../support/small-world";
import { TcpStream } from "../support/tcp-stream";
import { WorkingNetwork } from "../support/working-network";

const TABLE = "inet wireguard-mesh-wg0";
const PORT = 7000;
const NAMED = `its packet filter (nft table ${TABLE})`;

/** The table with rules for what the relay forwards from peer to peer; pings pass. */
function filterWith(...rules: string[]): string {
  const chain = [
    "type filter hook forward priority filter; policy accept;",
    "ct state established,related accept",
    "icmp type echo-request accept",
    ...rules,
    'iifname "wg0" oifname "wg0" counter drop',
  ];
  const lines = [
    `table ${TABLE} {`,
    "\tchain forward {",
    ...chain.map((it) => `\t\t${it}`),
    "\t}",
    "}",
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** New connections to one port pass, or none. */
const OPEN = filterWith(`iifname "wg0" tcp dport ${PORT} accept`);
const CLOSED = filterWith();

describe("the packet filter of a relay", function () {
  this.timeout(120_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-filter");
  });
  after(() => net.lab.down());

  const withFilter = (filter?: string, more: string[] = []): WantedState => ({
    ...net.relayState({ more }),
    ...(filter === undefined ? {} : { filter }),
  });
  const drift = (filter?: string) => net.relay.differences(withFilter(filter));
  /** The table, its files and hooks, and everything else that a push changes. */
  const snapshot = async (): Promise<string> => {
    const filter = `nft -s list table ${TABLE}; cd /etc/wireguard; sha256sum *.nft; stat -c '%a %n' *.nft`;
    return (await net.relay.snapshot()) + (await net.relay.run(filter));
  };
  /** Whether the laptop gets the greeting of the desktop's sshd. */
  const reachesSsh = async (): Promise<boolean> =>
    (await tcpBanner(net.lab, "laptop", "10.0.0.2", 22)) !== "";

  it("decides what is forwarded from the push on, and pings between peers go on", async () => {
    assert.equal(await reachesSshSoon(net.lab, "laptop", "10.0.0.2"), true);
    await net.undisturbed(async () => {
      assert.equal(await net.relay.converge(withFilter(OPEN)), "confirmed");
    });
    assert.equal(await reachesSsh(), false);
    assert.deepEqual(await drift(OPEN), []);
    assert.equal(await net.relay.converge(withFilter(OPEN)), "unchanged");
  });

  for (const [what, script, difference] of [
    [
      "edited by hand",
      `nft insert rule ${TABLE} forward accept`,
      `${NAMED} differs: not in the plan: chain forward: accept`,
    ],
    ["flushed with the ruleset", "nft flush ruleset", `${NAMED} is missing`],
  ] as const) {
    it(`is noticed and repaired when it was ${what}`, async () => {
      await net.relay.run(script);
      assert.deepEqual(await drift(OPEN), [difference]);
      assert.equal(await reachesSshSoon(net.lab, "laptop", "10.0.0.2"), true);
      await net.undisturbed(async () => {
        assert.equal(await net.relay.converge(withFilter(OPEN)), "confirmed");
      });
      assert.equal(await reachesSsh(), false);
      assert.deepEqual(await drift(OPEN), []);
    });
  }

  it("is restored after an unconfirmed change, also when it was edited by hand before", async () => {
    await net.relay.run(
      `nft add set ${TABLE} mine '{ type ipv4_addr; }'; nft add element ${TABLE} mine '{ 10.0.0.7, 10.0.0.8 }'`,
    );
    const before = await snapshot();
    for (const wanted of [withFilter(CLOSED, ["MTU = 1390"]), withFilter()]) {
      const { token, outcome } = await net.relay.apply({ ...wanted, timeout: 1 });
      assert.equal(outcome, "pending");
      await net.relay.waitUntilUndone(token);
      assert.equal(await snapshot(), before);
    }
    assert.equal(await net.relay.converge(withFilter(OPEN)), "confirmed");
  });

  it("is refused with nft's message, and nothing is changed, if this nft rejects it", async () => {
    const before = await snapshot();
    const broken = filterWith("ip sadr 10.0.0.2 accept");
    const refused = await net.relay.apply(withFilter(broken, ["MTU = 1390"]));
    assert.equal(refused.code, 1);
    assert.match(
      refused.complaint,
      /^nft on this host does not take the packet filter: syntax error, unexpected string.*; nothing was changed\nsee there: nft --version;/,
    );
    assert.equal(await snapshot(), before);
    await net.relay.run(`! test -e ${RUN}/pending && ! test -e ${RUN}/change`);
  });

  it("is removed by `wg-quick down`, and loaded again before the interface comes up", async () => {
    await net.relay.run(`wg-quick down wg0 2>&1; ${UNTIL_GONE}`);
    assert.equal(await net.relay.run("nft list tables"), "");
    await net.relay.run("wg-quick up wg0 2>&1");
    assert.deepEqual(await drift(OPEN), []);
    await net.relay.run(
      `wg-quick down wg0 2>&1; ${UNTIL_GONE}; cd /etc/wireguard; mv wg0.?.nft kept`,
    );
    const up = await net.lab.exec("relay", ["wg-quick", "up", "wg0"]);
    assert.notEqual(up.code, 0);
    await net.relay.run("! ip link show wg0 2>/dev/null");
    const name = /\/etc\/wireguard\/(\S+)/.exec(
      await net.relay.run("grep PreUp /etc/wireguard/wg0.conf"),
    )?.[1];
    await net.relay.run(`cd /etc/wireguard; mv kept ${name ?? ""}; wg-quick up wg0 2>&1`);
    // The relay has lost its sessions; a peer that starts again makes a new one at once.
    for (const peer of [net.desktop, net.laptop]) {
      await peer.run(`wg-quick down wg0 2>&1; ${UNTIL_GONE}; wg-quick up wg0 2>&1`);
    }
    await net.assertWorks();
  });

  it("is replaced twenty times while a TCP connection through the relay goes on", async () => {
    assert.equal(await net.relay.converge(withFilter(OPEN)), "unchanged");
    const stream = await TcpStream.open(net.lab, "laptop", "desktop", "10.0.0.2", PORT);
    for (let at = 0; at < 10; at++) {
      assert.equal(await net.relay.converge(withFilter(CLOSED)), "confirmed");
      await stream.goesOn();
      assert.equal(await net.relay.converge(withFilter(OPEN)), "confirmed");
      await stream.goesOn();
    }
    stream.close();
  });

  it("is pushed by the push program, which finds it unchanged then, and leaves nothing when it removes the node", async () => {
    const request = net.relay.request(withFilter(CLOSED));
    for (const outcome of ["applied", "unchanged"]) {
      const { stdout, stderr } = await push(net.lab, "apply", request);
      assert.match(stdout, new RegExp(`"outcome":"${outcome}"`), stderr);
      assert.doesNotMatch(stderr, /firewall/);
    }
    const left = `nft list tables; ls -A /etc/wireguard; ls -d ${STATE} 2>/dev/null || true`;
    const removed = await push(net.lab, "remove", request);
    assert.match(removed.stdout, /"outcome":"removed"/, removed.stderr);
    assert.equal(await net.relay.run(left), "");
    await net.relay.converge(withFilter(OPEN));
    await net.relay.run(`sh ${STATE}/host.sh remove wg0`);
    assert.equal(await net.relay.run(left), "");
  });

  it("leaks no secret", () => net.leaks.end());
});
