/** Address translation in a host's nftables table. */
import assert from "node:assert/strict";
import { reachabilityOf } from "../../../mesh/plan/reachability";
import { renderFilter } from "../../../mesh/render/filter";
import { renderRedacted } from "../../../mesh/render/render";
import { hostKeyLine } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed } from "../../support/small-network";

const host = { host: "root@203.0.113.10", hostKey: hostKeyLine(0) };
const gatewayHost = { host: "root@203.0.113.20", hostKey: hostKeyLine(1) };

function tableOf(name: string, edits: Record<string, unknown>): string | null {
  const plan = planOf(changed(edits));
  return renderFilter(nodeIn(plan, name), plan.network);
}

const exit = {
  relays: { tokyo: { exit: true, ...host } },
  peers: {
    laptop: { routeAll: true },
    desktop: { subnets: ["192.168.10.0/24"], masquerade: true, ...gatewayHost },
  },
};

describe("address translation", () => {
  it("at an exit is for the traffic of its peers with routeAll, and drops all other traffic to the internet", () => {
    assert.equal(
      tableOf("tokyo", exit),
      `table inet wireguard-mesh-wg0 {
	set leaving {
		type ipv4_addr
		elements = { 10.86.0.3 }
	}

	set inside {
		type ipv4_addr
		flags interval
		elements = { 10.86.0.0/24, 192.168.10.0/24 }
	}

	chain exit {
		type filter hook forward priority filter; policy accept;
		iifname "wg0" ip daddr 169.254.0.0/16 drop
		iifname "wg0" ip daddr != @inside ip saddr != @leaving drop
		iifname "wg0" tcp flags syn tcp option maxseg size set rt mtu
		oifname "wg0" tcp flags syn tcp option maxseg size set rt mtu
		iifname "wg0-next" ip daddr 169.254.0.0/16 drop
		iifname "wg0-next" ip daddr != @inside ip saddr != @leaving drop
		iifname "wg0-next" tcp flags syn tcp option maxseg size set rt mtu
		oifname "wg0-next" tcp flags syn tcp option maxseg size set rt mtu
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "wg0" oifname != "wg0-next" ip saddr @leaving ip daddr != @inside masquerade
	}
}
`,
    );
  });

  it("at a gateway is for packets from the rest of the network to its LANs", () => {
    const lan = { subnets: ["192.168.20.0/24"] };
    assert.equal(
      tableOf("desktop", { ...exit, peers: { ...exit.peers, laptop: lan } }),
      `table inet wireguard-mesh-wg0 {
	set lans {
		type ipv4_addr
		flags interval
		elements = { 192.168.10.0/24 }
	}

	set remote {
		type ipv4_addr
		flags interval
		elements = { 10.86.0.0/24, 192.168.20.0/24 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "wg0" ip saddr @remote ip daddr @lans masquerade
	}
}
`,
    );
  });

  it("at a gateway with a mapped LAN is one to one, in both directions", () => {
    const subnets = [{ lan: "192.168.1.0/24", as: "10.99.1.0/24" }];
    assert.equal(
      tableOf("desktop", { peers: { desktop: { subnets, ...gatewayHost } } }),
      `table inet wireguard-mesh-wg0 {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "wg0" ip daddr 10.99.1.0/24 dnat ip prefix to 192.168.1.0/24
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wg0" ip saddr 192.168.1.0/24 snat ip prefix to 10.99.1.0/24
	}
}
`,
    );
    const masquerading = { subnets, masquerade: true, ...gatewayHost };
    const table = tableOf("desktop", { peers: { desktop: masquerading } }) ?? "";
    assert.match(table, /set lans \{[^}]*elements = \{ 192\.168\.1\.0\/24 \}/);
  });

  it("of a mapped LAN changes nothing for the rest of the network", () => {
    const planWith = (subnet: unknown) =>
      planOf(changed({ peers: { desktop: { subnets: [subnet], ...gatewayHost } } }));
    const [mapped, plain] = [{ lan: "192.168.1.0/24", as: "10.99.1.0/24" }, "10.99.1.0/24"].map(
      (subnet) => {
        const plan = planWith(subnet);
        const texts = plan.nodes.map((node) => renderRedacted(node, plan.network));
        return { texts, reach: reachabilityOf(plan) };
      },
    );
    assert.deepEqual(mapped, plain);
  });

  it("has rules for IPv6 only in a network with IPv6, and drops it if no peer leaves through it", () => {
    const six = {
      network: { cidr6: "fd5c:10::/64" },
      relays: { tokyo: { exit: true, address6: "fd5c:10::1", ...host } },
    };
    const rules = (laptop: Record<string, unknown>) =>
      (tableOf("tokyo", { ...six, peers: { laptop: { routeAll: true, ...laptop } } }) ?? "")
        .split("\n")
        .filter((line) => line.includes("ip6 "))
        .map((line) => line.trim());
    assert.deepEqual(rules({ address6: "fd5c:10::3" }), [
      'iifname "wg0" ip6 daddr != @insidev6 ip6 saddr != @leavingv6 drop',
      'iifname "wg0-next" ip6 daddr != @insidev6 ip6 saddr != @leavingv6 drop',
      'oifname != "wg0" oifname != "wg0-next" ip6 saddr @leavingv6 ip6 daddr != @insidev6 masquerade',
    ]);
    assert.deepEqual(rules({}), [
      'iifname "wg0" ip6 daddr != @insidev6 drop',
      'iifname "wg0-next" ip6 daddr != @insidev6 drop',
    ]);
  });

  it("is absent at an exit without peers that use it, and at all other nodes", () => {
    const { laptop, ...peers } = exit.peers;
    assert.deepEqual(laptop, { routeAll: true });
    assert.equal(tableOf("tokyo", { ...exit, peers }), null);
    assert.equal(tableOf("laptop", exit), null);
  });
});

describe("the config of a device that leaves through an exit", () => {
  it("has everything as allowed IPs, beside the longer prefixes of direct links, and its DNS servers", () => {
    const desktop = { ...exit.peers.desktop, endpoint: "203.0.113.20:51820" };
    const laptop = { routeAll: true, dns: ["9.9.9.9", "149.112.112.112"] };
    const plan = planOf(changed({ ...exit, peers: { desktop, laptop } }));
    const sections = nodeIn(plan, "laptop").sections.map(({ name, allowedIps }) => ({
      [name]: allowedIps,
    }));
    assert.deepEqual(sections, [
      { desktop: ["10.86.0.2/32", "192.168.10.0/24"] },
      { tokyo: ["0.0.0.0/0"] },
    ]);
    assert.match(
      renderRedacted(nodeIn(plan, "laptop"), plan.network),
      /^DNS = 9\.9\.9\.9, 149\.112\.112\.112$/m,
    );
  });

  it("sends IPv6 to the relay too if it has an address or is to have no IPv6", () => {
    const blocked = planOf(
      changed({ ...exit, peers: { laptop: { routeAll: true, blockIpv6: true } } }),
    );
    assert.deepEqual(nodeIn(blocked, "laptop").sections[0]?.allowedIps, ["0.0.0.0/0", "::/0"]);
  });
});
