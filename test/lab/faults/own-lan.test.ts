/** F15 on the host: a prefix that would route the host's own LAN into the tunnel. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor } from "../support/pushing";

describe("a host in a LAN", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-own-lan" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
    await session.run(
      [
        "ip link add lan0 type veth peer name lan1; ip link set lan0 up; ip link set lan1 up",
        // Like NetworkManager, with a metric, so that `ip route add` could add a second route.
        "ip address add 192.168.77.20/24 dev lan0 noprefixroute",
        "ip route add 192.168.77.0/24 dev lan0 metric 100",
        "ip route add default via 192.168.77.1 dev lan0 metric 900",
        "ip -6 address add fd00:77::20/64 dev lan0 nodad",
      ].join("\n"),
    );
    await session.converge({ config: withPrefix("10.0.0.2/32") });
  });
  after(() => lab.down());

  const withPrefix = (prefix: string): string =>
    configOf("relay", "10.0.0.1/24", [
      ...["", "[Peer]", `PublicKey = ${keyPairFor("nas").publicKey}`],
      `AllowedIPs = ${prefix}`,
    ]);

  for (const [prefix, what] of [
    ["192.168.77.0/24", "the LAN itself"],
    ["192.168.77.16/28", "a part of it with the host's own address"],
    ["192.168.77.1/32", "its gateway"],
    ["fd00:77::/64", "an IPv6 LAN"],
  ] as const) {
    it(`F15: refuses ${what} (${prefix}), names the interface, and changes nothing`, async () => {
      const routes = "ip route; ip -6 route; wg showconf wg0";
      const before = await session.run(routes);
      const refused = await session.apply({ config: withPrefix(`10.0.0.2/32, ${prefix}`) });
      assert.equal(refused.code, 1);
      assert.ok(
        refused.complaint.startsWith(
          `${prefix} would lead into the tunnel, and this host is in that network itself, by lan0: nothing was changed\n`,
        ),
        refused.complaint,
      );
      assert.match(refused.complaint, /give relay the same site as/);
      assert.equal(await session.run(routes), before);
      assert.equal((await session.observe()).pending, null);
    });
  }

  for (const [prefix, what] of [
    ["192.168.0.0/16", "a wider network that contains the LAN"],
    ["192.168.77.128/25", "a part of the LAN without the host and its gateway"],
    ["192.168.78.0/24", "the network next to it"],
  ] as const) {
    it(`F15: accepts ${what} (${prefix})`, async () => {
      assert.equal(await session.converge({ config: withPrefix(prefix) }), "confirmed");
      const route = await session.run("ip route get 192.168.77.1");
      assert.match(route, /dev lan0/);
    });
  }

  it("leaks no secret", () => leaks.end());
});
