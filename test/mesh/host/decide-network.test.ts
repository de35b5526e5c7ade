/** Decisions about addresses, routes, and the kernel's settings. */
import assert from "node:assert/strict";
import {
  changeOn,
  decideOn,
  neighbour,
  notesOn,
  pushed,
  pushedByOlder,
  RELAY,
  refusalOn,
  stepsText,
  differencesOn,
} from "./support/examples";
import { addAddress, addRoute, deleteRoute, linkOf, newLink, newRoute } from "./support/host";
import { boot, freshHost } from "./support/hosts";
import { DROP_IN, IFACE } from "./support/observe";
import type { RequestDraw } from "./support/requests";

const relayWith = (...more: RequestDraw["neighbours"]): RequestDraw => ({
  ...RELAY,
  neighbours: [...RELAY.neighbours, ...more],
});

describe("addresses and the MTU", () => {
  it("are added before the former ones are removed, and those of the same subnet are set again", () => {
    const change = changeOn(pushed(), { ...RELAY, address: "10.86.0.9/24" });
    assert.deepEqual(stepsText(change, "apply"), [
      "ip",
      "  address replace 10.86.0.9/24 dev wg0",
      "  address del 10.86.0.1/24 dev wg0",
      "  address replace 10.86.0.9/24 dev wg0",
      "  route replace 192.168.10.0/24 dev wg0 scope link",
      "ping 10.86.0.20",
    ]);
    assert.deepEqual(stepsText(change, "undo"), [
      "ip",
      "  address replace 10.86.0.1/24 dev wg0",
      "  address del 10.86.0.9/24 dev wg0",
      "  address replace 10.86.0.1/24 dev wg0",
      "  route replace 192.168.10.0/24 dev wg0 scope link",
    ]);
  });

  it("are changed without a route where another subnet keeps an address", () => {
    const host = pushed();
    addAddress(host, IFACE, "10.88.0.1/24");
    assert.deepEqual(stepsText(changeOn(host), "apply").slice(0, 2), [
      "ip",
      "  address del 10.88.0.1/24 dev wg0",
    ]);
  });

  it("are restored with the routes that the kernel drops meanwhile, wherever the steps end", () => {
    const host = pushed();
    addAddress(host, IFACE, "10.86.0.1/16");
    addRoute(host, newRoute("10.98.0.0/16", { dev: IFACE, scope: "link", proto: "bird" }), "add");
    const change = changeOn(host, { ...RELAY, address: "10.86.0.9/24" });
    const line = "  route replace 10.98.0.0/16 dev wg0 proto bird scope link";
    assert.ok(stepsText(change, "apply").includes(line));
    assert.ok(stepsText(change, "undo").includes(line));
  });

  it("fit the device of the default route when the interface is new, as wg-quick works out at boot", () => {
    const host = freshHost();
    linkOf(host, "eth0").mtu = 1492;
    assert.ok(stepsText(changeOn(host), "apply").includes("  link set mtu 1412 dev wg0"));
    assert.ok(!stepsText(changeOn(host), "commit").join("\n").includes("MTU = "));
  });

  it("return to the interface's own MTU when the config no longer sets one", () => {
    const host = pushed({ ...RELAY, mtu: 1380 }, pushed());
    assert.ok(stepsText(changeOn(host), "apply").includes("  link set mtu 1420 dev wg0"));
    linkOf(host, IFACE).mtu = 1300;
    assert.ok(stepsText(changeOn(host), "apply").includes("  link set mtu 1420 dev wg0"));
  });
});

describe("routes", () => {
  it("are added for allowed prefixes that no route of the interface covers", () => {
    const change = changeOn(pushed(), relayWith(neighbour(2, { lans: [1] })));
    assert.ok(stepsText(change, "apply").includes("  route add 192.168.20.0/24 dev wg0"));
    assert.ok(stepsText(change, "undo").includes("  route del 192.168.20.0/24 dev wg0 proto boot"));
    assert.ok(!stepsText(change, "apply").join("\n").includes("route add 10.86.0.22/32"));
  });

  it("added by hand are removed, and an undo restores them completely", () => {
    const host = pushed();
    addRoute(host, newRoute("192.168.40.0/24", { dev: IFACE, scope: "link", metric: 50 }), "add");
    const change = changeOn(host);
    assert.ok(
      stepsText(change, "apply").includes(
        "  route del 192.168.40.0/24 dev wg0 scope link metric 50 proto boot",
      ),
    );
    assert.ok(
      stepsText(change, "undo").includes(
        "  route add 192.168.40.0/24 dev wg0 scope link metric 50",
      ),
    );
  });

  const OWN = "10.86.0.0/24 dev wg0 proto kernel scope link src 10.86.0.1";

  it("to the interface's own network are restored if they were removed by hand", () => {
    const host = pushed();
    deleteRoute(host, "10.86.0.0/24", { dev: IFACE });
    assert.deepEqual(differencesOn(host), ["the route to 10.86.0.0/24 is missing"]);
    const change = changeOn(host);
    assert.deepEqual(stepsText(change, "apply").slice(0, 2), ["ip", `  route add ${OWN}`]);
    assert.deepEqual(stepsText(change, "undo"), ["ip", `  route del ${OWN}`]);
  });

  it("added by hand in place of the interface's own stay; beside it they are removed", () => {
    const host = pushed();
    const byHand = newRoute("10.86.0.0/24", { dev: IFACE, scope: "link" });
    addRoute(host, byHand, "replace");
    assert.equal(decideOn(host).kind, "nothing");
    const beside = pushed();
    addRoute(beside, { ...byHand, metric: 50 }, "add");
    assert.deepEqual(stepsText(changeOn(beside), "apply").slice(0, 2), [
      "ip",
      "  route del 10.86.0.0/24 dev wg0 scope link metric 50 proto boot",
    ]);
    deleteRoute(beside, "10.86.0.0/24", { dev: IFACE, metric: 0 });
    assert.deepEqual(differencesOn(beside), [
      "the route to 10.86.0.0/24 is missing",
      "the route to 10.86.0.0/24 is not in the plan",
    ]);
  });

  it("of daemons, of other tables and link-local ones stay", () => {
    const host = pushed();
    addRoute(host, newRoute("10.98.0.0/16", { dev: IFACE, proto: "bird" }), "add");
    addRoute(host, newRoute("10.97.0.0/16", { dev: IFACE, table: "100" }), "add");
    addRoute(host, newRoute("fe80::/64", { dev: IFACE }), "add");
    assert.equal(decideOn(host).kind, "nothing");
  });

  it("of another program are named before anything is changed", () => {
    const host = pushed();
    const theirs = { dev: "eth0", via: "192.168.1.9", proto: "static" };
    addRoute(host, newRoute("192.168.10.0/24", theirs), "replace");
    assert.equal(
      refusalOn(host),
      "this host has another route to 192.168.10.0/24 (via 192.168.1.9 dev eth0, proto static), and the tunnel needs one: nothing was changed\n" +
        "remove that one there (sudo ip route del 192.168.10.0/24 via 192.168.1.9 dev eth0), or take 192.168.10.0/24 out of the plan (subnets)",
    );
  });

  it("without a target, such as blackholes, are named too", () => {
    const host = freshHost();
    addRoute(host, newRoute("192.168.10.0/24", { type: "blackhole", metric: 7 }), "add");
    assert.match(
      refusalOn(host),
      /another route to 192\.168\.10\.0\/24 \(blackhole metric 7, proto boot\).*\n.*sudo ip route del blackhole 192\.168\.10\.0\/24 metric 7\)/,
    );
  });

  for (const [address, gateway, prefix] of [
    ["192.168.10.20/24", null, "192.168.10.0/24"],
    ["192.168.10.200/25", null, "192.168.10.0/24"],
    ["192.168.0.20/16", "192.168.10.1", "192.168.10.0/24"],
  ] as const) {
    const isWider = address.endsWith("/25");
    it(`${isWider ? "may be wider than" : "must not cover"} the host's own LAN: ${address}, gateway ${gateway ?? "elsewhere"}`, () => {
      const host = freshHost();
      host.links.set("lan0", newLink({ addresses: [address] }));
      if (gateway !== null)
        addRoute(host, newRoute("default", { dev: "lan0", via: gateway, metric: 9 }), "add");
      if (isWider) {
        assert.equal(decideOn(host).kind, "change");
        return;
      }
      assert.equal(
        refusalOn(host),
        `${prefix} would lead into the tunnel, and this host is in that network itself, by lan0: nothing was changed\n` +
          "where it is the same network, give host the same site as the node whose subnets these are; else change the prefix of one of the two (subnets, network.cidr)",
      );
    });
  }

  it("must not hide a part of a LAN behind the network's own addresses (case C12)", () => {
    const host = freshHost();
    host.links.set("ens5", newLink({ addresses: ["10.86.3.5/16"] }));
    assert.equal(
      refusalOn(host),
      "10.86.0.0/24 would lead into the tunnel, and this host is in 10.86.0.0/16 itself, by ens5: nothing was changed\n" +
        "choose another network.cidr, and addresses in it",
    );
    const later = pushed();
    later.links.set("ens5", newLink({ addresses: ["10.86.3.5/16"] }));
    assert.equal(decideOn(later, { ...RELAY, mtu: 1380 }).kind, "change");
  });

  it("that lead into the tunnel already do not stop another change in a LAN of the same prefix", () => {
    const host = pushed();
    host.links.set("wlan0", newLink({ addresses: ["192.168.10.77/24"] }));
    assert.equal(decideOn(host, { ...RELAY, mtu: 1380 }).kind, "change");
  });
});

describe("forwarding", () => {
  const forwarding: RequestDraw = { ...RELAY, ipv6: true, forwarding: { ipv4: true, ipv6: true } };
  const advertised = () => {
    const host = freshHost();
    const ra = { dev: "eth0", via: "fe80::1", proto: "ra", metric: 1024 };
    addRoute(host, newRoute("default", ra), "add");
    return host;
  };

  it("keeps a default route from a router advertisement, live and after a boot", () => {
    const host = advertised();
    const heads = stepsText(changeOn(host, forwarding), "apply").filter((it) =>
      it.startsWith("sysctl"),
    );
    assert.deepEqual(heads, [
      "sysctl net/ipv6/conf/eth0/accept_ra 2",
      "sysctl net/ipv4/ip_forward 1",
      "sysctl net/ipv6/conf/all/forwarding 1",
    ]);
    pushed(forwarding, host);
    assert.equal(
      host.files.get(DROP_IN),
      "# wireguard-mesh: wg0\nnet.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nnet/ipv6/conf/eth0/accept_ra = 2\n",
    );
    assert.ok(host.routes.some(({ proto }) => proto === "ra"));
  });

  it("adds the device to the file of a host that an older version pushed to", () => {
    const host = pushedByOlder(forwarding, advertised());
    host.sysctls.set("net/ipv6/conf/eth0/accept_ra", "2");
    const change = changeOn(host, forwarding);
    assert.deepEqual(stepsText(change, "apply"), []);
    assert.ok(stepsText(change, "commit").includes("  net/ipv6/conf/eth0/accept_ra = 2"));
  });

  it("keeps a device in the file while it has no route", () => {
    const host = pushed(forwarding, advertised());
    host.routes = host.routes.filter(({ proto }) => proto !== "ra");
    assert.equal(decideOn(host, forwarding).kind, "nothing");
  });

  it("is turned off when it is no longer wanted, but not next to a bridge", () => {
    const host = pushed(forwarding);
    assert.ok(stepsText(changeOn(host), "apply").includes("sysctl net/ipv4/ip_forward 0"));
    host.links.set("docker0", newLink({ deviceType: "bridge", addresses: ["172.17.0.1/16"] }));
    const change = changeOn(host);
    assert.ok(!stepsText(change, "apply").some((line) => line.startsWith("sysctl")));
    assert.ok(stepsText(change, "commit").includes(`delete ${DROP_IN}`));
    assert.deepEqual(notesOn(host), [
      "IPv4 forwarding was left on, because docker0 may need it",
      "IPv6 forwarding was left on, because docker0 may need it",
    ]);
    pushed(RELAY, host);
    assert.deepEqual(notesOn(host), []);
  });

  it("that another program switched on is left on", () => {
    const host = freshHost();
    host.sysctls.set("net/ipv4/ip_forward", "1");
    pushed({ ...RELAY, forwarding: { ipv4: true, ipv6: false } }, host);
    assert.ok(!stepsText(changeOn(host), "apply").some((line) => line.startsWith("sysctl")));
    assert.deepEqual(notesOn(host), []);
  });

  it("still belongs to the mesh after a boot", () => {
    const host = pushed(forwarding);
    boot(host);
    assert.ok(stepsText(changeOn(host), "apply").includes("sysctl net/ipv4/ip_forward 0"));
  });
});
