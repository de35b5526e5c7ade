/** How a host that sends everything through an exit stays reachable at its own addresses. */
import assert from "node:assert/strict";
import { renderFilter } from "../../../mesh/render/filter";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { renderRedacted } from "../../../mesh/render/render";
import { hostKeyLine } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed } from "../../support/small-network";

const host = { host: "root@203.0.113.20", hostKey: hostKeyLine(1) };

/** The desktop sends everything through tokyo. */
function desktopIn(edits: Record<string, unknown>, network: Record<string, unknown> = {}) {
  const relay = { host: "root@203.0.113.10", hostKey: hostKeyLine(0), exit: true };
  const exitCheck = ["9.9.9.9", "2620:fe::fe"];
  const address6 = "cidr6" in network ? { address6: "fd5c:10::1" } : {};
  const plan = planOf(
    changed({
      network,
      relays: { tokyo: { ...relay, ...address6, exitCheck } },
      peers: { desktop: { routeAll: true, ...edits } },
    }),
  );
  const node = nodeIn(plan, "desktop");
  return {
    table: renderFilter(node, plan.network),
    config: renderRedacted(node, plan.network),
    request: requestWithoutSecrets(node, plan, "wireguard-mesh/test"),
  };
}

describe("a pushed host that sends everything through an exit", () => {
  it("answers connections from outside over its own default route, and keeps open connections", () => {
    assert.equal(
      desktopIn(host).table,
      `table inet wireguard-mesh-wg0 {
	chain arriving {
		type filter hook prerouting priority mangle; policy accept;
		iifname != { "lo", "wg0" } fib daddr type local ct mark set 0x0000ca6c
		ct mark 0x0000ca6c meta mark set ct mark
	}

	chain answering {
		type route hook output priority mangle; policy accept;
		ct mark 0x0000ca6c meta mark set ct mark accept
		tcp flags syn return
		oifname "wg0" ip saddr != 10.86.0.2 meta l4proto tcp ct mark set 0x0000ca6c meta mark set ct mark
		oifname "wg0" meta nfproto ipv6 meta l4proto tcp ct mark set 0x0000ca6c meta mark set ct mark
	}
}
`,
    );
  });

  it("has a rule for its own IPv6 address in the tunnel", () => {
    const { table } = desktopIn({ ...host, address6: "fd5c:10::2" }, { cidr6: "fd5c:10::/64" });
    assert.match(table ?? "", /^\t\toifname "wg0" ip6 saddr != fd5c:10::2 meta l4proto tcp /m);
  });

  it("has mark and table in its config, and no IPv6 route that its wg-quick may fail to add", () => {
    const { config } = desktopIn({ ...host, blockIpv6: true });
    assert.match(config, /^FwMark = 0xca6c\nTable = 51820$/m);
    assert.match(config, /^AllowedIPs = 0.0.0.0\/0$/m);
  });

  it("must reach its exit and the addresses of exitCheck, over IPv6 only with an IPv6 address", () => {
    assert.deepEqual(desktopIn(host).request.mustAnswer, ["10.86.0.1", "9.9.9.9"]);
    const both = desktopIn({ ...host, address6: "fd5c:10::2" }, { cidr6: "fd5c:10::/64" });
    assert.deepEqual(both.request.mustAnswer, ["10.86.0.1", "9.9.9.9", "2620:fe::fe"]);
  });

  it("has rules that a device does not need, because its config is enough", () => {
    const { table, config, request } = desktopIn({ blockIpv6: true, dns: "9.9.9.9" });
    assert.deepEqual([table, request.mustAnswer], [null, undefined]);
    assert.doesNotMatch(config, /FwMark|Table/);
  });
});
