/** Why a push is refused, and which packages a host needs. */
import assert from "node:assert/strict";
import type { Observation } from "../../../mesh/host/observation";
import { toolsToInstall } from "../../../mesh/host/tools";
import { pushed, pushedByOlder, RELAY, refusalOn, wantedBy, withFile } from "./support/examples";
import { createWireGuard, newLink, type Host } from "./support/host";
import { OWN_KEYS } from "./support/host-keys";
import { freshHost } from "./support/hosts";
import { IFACE, SECOND } from "./support/observe";
import type { RequestDraw } from "./support/requests";
import { look } from "./support/situations";

const STATE = "/var/lib/wireguard-mesh/wg0";
const TWO: RequestDraw = { ...RELAY, second: { key: 21, port: 51821 } };

describe("a push is refused", () => {
  const tools = (change: (all: Set<string>) => void) => (observed: Observation) => {
    const all = new Set(observed.tools);
    change(all);
    return { tools: all };
  };
  const cases: [
    why: string,
    host: () => Host,
    draw: RequestDraw,
    see: (o: Observation) => Partial<Observation>,
    message: RegExp,
  ][] = [
    [
      "with a foreign interface",
      () => {
        const host = freshHost();
        createWireGuard(host, IFACE);
        return host;
      },
      RELAY,
      () => ({}),
      /^there already is a wg0 that wireguard-mesh did not make; it was not touched\ntake it away there \(wg-quick down wg0;/,
    ],
    [
      "with a foreign file",
      () => withFile("/etc/wireguard/wg0.conf", "[Interface]\n"),
      RELAY,
      () => ({}),
      /^there already is a wg0 that wireguard-mesh did not make/,
    ],
    [
      "with an interface that is no WireGuard's",
      () => {
        const host = pushed();
        host.links.set(IFACE, newLink());
        return host;
      },
      RELAY,
      () => ({}),
      /^there is a wg0 that wg cannot read; it was not touched\nlook there/,
    ],
    [
      "of another stack",
      () => withFile(`${STATE}/owner`, "other/dev\nhost\nmachine\n"),
      RELAY,
      () => ({}),
      /^wg0 here belongs to host of stack other\/dev; it was not touched\nif that node is to stay, set network\.interface to another name, before the first up; if that node is gone, release wg0 there: sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh release wg0$/,
    ],
    [
      "of another node on another machine",
      () => withFile(`${STATE}/owner`, "wireguard-mesh/test\nother\nelsewhere\n"),
      RELAY,
      () => ({}),
      /^wg0 here belongs to other of stack wireguard-mesh\/test;/,
    ],
    [
      "that a newer version pushed to",
      () => withFile(`${STATE}/format`, "4\n", pushed()),
      RELAY,
      () => ({}),
      /^this host was last pushed to by a newer wireguard-mesh; it was not touched\nupdate yours/,
    ],
    [
      "where this node has another interface",
      () => withFile("/var/lib/wireguard-mesh/wg7/owner", "wireguard-mesh/test\nhost\nmachine\n"),
      RELAY,
      () => ({}),
      /^this node has the interface wg7 here, and an interface is not renamed: nothing was changed\nput network\.interface back to wg7;.*host\.sh remove wg7$/,
    ],
    [
      "where the second interface is foreign",
      () => withFile(`/etc/wireguard/${SECOND}.conf`, "[Interface]\n", pushed()),
      TWO,
      () => ({}),
      /^there already is a wg0-next that wireguard-mesh did not make; it was not touched\nit is needed while the key of this relay changes/,
    ],
    [
      "while an earlier change is not confirmed",
      pushed,
      RELAY,
      () => ({ pending: { token: "t", state: "applied" } }),
      /^an earlier change of wg0 is not confirmed yet; nothing was changed\nthe host undoes it by itself within 45 s/,
    ],
    [
      "while an older version's change is not confirmed",
      () => withFile("/run/wireguard-mesh/wg0/pending", "token\n", pushedByOlder()),
      RELAY,
      () => ({}),
      /^an earlier change of wg0 is not confirmed yet/,
    ],
    [
      "without flock",
      freshHost,
      RELAY,
      tools((all) => all.delete("flock")),
      /^the host has no flock\ninstall coreutils, util-linux and awk there$/,
    ],
    [
      "without wg",
      freshHost,
      RELAY,
      tools((all) => all.delete("wg")),
      /^wg, wg-quick or the full ip is missing and could not be installed\n/,
    ],
    [
      "with busybox's ip",
      freshHost,
      RELAY,
      () => ({ ip: "limited" }),
      /^wg, wg-quick or the full ip is missing/,
    ],
    [
      "without WireGuard",
      freshHost,
      RELAY,
      () => ({ wireguard: "none" }),
      /^neither this kernel nor a wireguard-go program has WireGuard\n/,
    ],
    [
      "without IPv6, though it is wanted",
      () => {
        const host = freshHost();
        host.sysctls.set("net/ipv6/conf/default/disable_ipv6", "1");
        return host;
      },
      { ...RELAY, ipv6: true },
      () => ({}),
      /^IPv6 is switched off on this host, and its config wants an IPv6 address; nothing was changed\nswitch it on there/,
    ],
    [
      "without the private key that it made",
      () => withFile(OWN_KEYS, ""),
      { ...RELAY, onHost: true },
      () => ({}),
      /^this host does not have the private key that belongs to \S+: it was never made here, or is lost\nmake one there: npx wireguard-mesh rotate host --revoke$/,
    ],
    [
      "where the live file is a mount point",
      freshHost,
      RELAY,
      () => ({ mountPoints: new Set(["/etc/wireguard/wg0.conf"]) }),
      /^\/etc\/wireguard\/wg0\.conf is a mount point, so it cannot be replaced; nothing was changed\nunmount it there/,
    ],
  ];
  for (const [why, host, draw, see, message] of cases) {
    it(why, () => {
      assert.match(refusalOn(host(), draw, see), message);
    });
  }
});

describe("the packages that are missing", () => {
  const observed = look(freshHost(), wantedBy(RELAY));
  const installed = (...tools: string[]): Observation => ({ ...observed, tools: new Set(tools) });
  const cases: [string[], string[]][] = [
    [["wg", "wg-quick", "ip", "apt-get"], []],
    [["apt-get"], ["wireguard-tools", "iproute2"]],
    [
      ["dnf", "ip"],
      ["wireguard-tools", "iproute"],
    ],
    [["yum"], ["wireguard-tools", "iproute"]],
    [
      ["apk", "ip"],
      ["wireguard-tools", "iproute2", "bash"],
    ],
    [["wg"], []],
  ];
  for (const [tools, packages] of cases) {
    it(`are ${packages.join(", ") || "none"} with ${tools.join(", ")}`, () => {
      assert.deepEqual(toolsToInstall(installed(...tools))?.packages ?? [], packages);
    });
  }

  it("include wireguard-go where the kernel has no WireGuard, and iproute2 where ip is busybox's", () => {
    const has = installed("wg", "wg-quick", "ip", "apk");
    const missing = toolsToInstall({ ...has, wireguard: "none" });
    assert.deepEqual(missing, { packages: ["wireguard-go"], command: "apk -q add wireguard-go" });
    assert.deepEqual(toolsToInstall({ ...has, ip: "limited" })?.packages, [
      "wireguard-tools",
      "iproute2",
      "bash",
    ]);
  });
});
