/** F24: manual changes on a host are in the differences that `status` shows and are fixed by the next push. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { DROP_IN, HostSession, LIVE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor } from "../support/pushing";

describe("a host with manual changes", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const nas = keyPairFor("nas").publicKey;
  const wanted: WantedState = {
    config: configOf("relay", "10.0.0.1/24", [
      ...["", "[Peer]", `PublicKey = ${nas}`, "AllowedIPs = 10.0.0.5/32, 192.168.10.0/24"],
      "Endpoint = 203.0.113.40:51820",
    ]),
    forwarding: true,
  };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-hand" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
    await session.converge(wanted);
  });
  after(() => lab.down());

  const stranger = keyPairFor("stranger").publicKey;
  const atBoot = "it would not be as planned after a boot: its unit or sysctl file differs";

  /** The change, its command, and the differences that must be reported. */
  const edits: [what: string, command: string, reported: (string | RegExp)[]][] = [
    ["another port", "wg set wg0 listen-port 1234", ["listen port is 1234, planned is 51820"]],
    [
      "another key",
      "wg genkey >/tmp/k && wg set wg0 private-key /tmp/k && rm /tmp/k",
      [new RegExp(`^public key is \\S+, planned is ${regExpOf(keyPairFor("relay").publicKey)}$`)],
    ],
    ["a removed peer", `wg set wg0 peer ${nas} remove`, [`peer ${nas} is missing`]],
    [
      "an added peer",
      `wg set wg0 peer ${stranger} allowed-ips 10.0.0.77/32`,
      [`peer ${stranger} is not in the plan`],
    ],
    [
      "an added allowed IP",
      `wg set wg0 peer ${nas} allowed-ips 10.0.0.5/32,192.168.10.0/24,192.168.11.0/24`,
      [`allowed IP of peer ${nas}: 192.168.11.0/24 is not in the plan`],
    ],
    [
      "a wrong endpoint",
      `wg set wg0 peer ${nas} endpoint 203.0.113.99:51820`,
      [`endpoint of peer ${nas} is 203.0.113.99:51820, planned is 203.0.113.40:51820`],
    ],
    [
      "an added address",
      "ip address add 10.9.9.9/32 dev wg0",
      ["address 10.9.9.9/32 is not in the plan"],
    ],
    [
      "no address",
      "ip address flush dev wg0",
      ["address 10.0.0.1/24 is missing", "the route to 192.168.10.0/24 is missing"],
    ],
    ["another MTU", "ip link set mtu 1280 dev wg0", ["MTU is 1280, planned is 1420"]],
    [
      "the interface down",
      "ip link set down dev wg0",
      ["wg0 is down", "the route to 192.168.10.0/24 is missing"],
    ],
    ["a deleted interface", "ip link del wg0", ["wg0 is missing"]],
    [
      "a removed route",
      "ip route del 192.168.10.0/24 dev wg0",
      ["the route to 192.168.10.0/24 is missing"],
    ],
    [
      "no route to the network itself",
      "ip route del 10.0.0.0/24 dev wg0",
      ["the route to 10.0.0.0/24 is missing"],
    ],
    [
      "an added route",
      "ip route add 198.51.100.0/24 dev wg0",
      ["the route to 198.51.100.0/24 is not in the plan"],
    ],
    ["no forwarding", "echo 0 >/proc/sys/net/ipv4/ip_forward", ["it does not forward IPv4"]],
    ["no forwarding at the next boot", `rm ${DROP_IN}`, [atBoot]],
    ["an edited file", `echo '# mine' >>${LIVE}`, [`${LIVE} was edited by hand`]],
    ["a deleted file", `rm ${LIVE}`, [`${LIVE} is missing`]],
    [
      "a world-readable file",
      `chmod 644 ${LIVE}`,
      [`${LIVE} can be read or written by others than root`],
    ],
  ];

  for (const [what, command, reported] of edits) {
    it(`F24: ${what}: reported, and fixed by the next push`, async () => {
      const before = await session.snapshot();
      await session.run(command);
      const found = await session.differences(wanted);
      assert.equal(found.length, reported.length, found.join("\n"));
      reported.forEach((expected, at) => {
        if (typeof expected === "string") assert.equal(found[at], expected);
        else assert.match(found[at] ?? "", expected);
      });
      await session.converge(wanted);
      assert.equal(await session.snapshot(), before);
      assert.equal((await session.apply(wanted)).outcome, "unchanged");
    });
  }

  it("F24: keeps a routing daemon's route on the interface", async () => {
    await session.run("ip route add 198.51.100.0/24 dev wg0 proto bird");
    assert.equal((await session.apply(wanted)).outcome, "unchanged");
    assert.deepEqual(await session.differences(wanted), []);
    await session.run("ip route del 198.51.100.0/24 dev wg0");
  });

  it("F24: undoes an unconfirmed change without reading a file that was edited by hand", async () => {
    const before = await session.snapshot();
    await session.run(`echo 'this is no config' >>${LIVE}`);
    const config = wanted.config.replace("ListenPort = 51820", "ListenPort = 51821");
    const { token } = await session.apply({ ...wanted, config, timeout: 1 });
    await session.waitUntilUndone(token);
    assert.equal((await session.observe()).network.links.get("wg0")?.up, true);
    assert.equal(await session.run("wg show wg0 listen-port"), "51820");
    assert.equal(await session.converge(wanted), "confirmed");
    assert.equal(await session.snapshot(), before);
  });

  it("leaks no secret", () => leaks.end());
});

function regExpOf(text: string): string {
  return text.replace(/[+/=]/g, "\\$&");
}
