/** The model of the kernel's tables against the kernel itself, in a network namespace. Needs root and iproute2. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { parseNetwork, type NetworkState } from "../../../mesh/host/network-state";
import { programs } from "../../support/programs";
import { KernelError, newLink, type Host } from "./support/host";
import { freshHost } from "./support/hosts";
import { ipLine } from "./support/ip-line";
import { sectionsOf } from "./support/observe";

const ADDRESSES = [
  "10.86.0.1/24",
  "10.86.0.9/24",
  "10.86.0.1/16",
  "10.87.0.1/24",
  "fd5c:10::1/64",
  "fd5c:10::1/128",
];
const ROUTES = [
  "192.168.10.0/24 dev wg0",
  "192.168.10.0/24 dev wg0 metric 50",
  "192.168.20.0/24 dev wg0 proto bird",
  "192.168.30.0/24 dev wg0 table 100",
  "10.99.0.0/16 dev wg0 src 10.86.0.1",
  "fd00:1::/64 dev wg0",
  "fd00:1::/64 dev wg0 metric 50",
  "0.0.0.0/0 dev wg0 table 51820",
  "::/0 dev wg0 table 51820",
];
/** Routes to the networks of addresses, as the kernel adds them and by hand. */
const CONNECTED = [
  ...["add", "del"].flatMap((verb) => [
    `route ${verb} 10.86.0.0/24 dev wg0 proto kernel scope link src 10.86.0.1`,
    `route ${verb} fd5c:10::/64 dev wg0 proto kernel metric 256`,
  ]),
  "route replace 10.86.0.0/24 dev wg0",
];

const RULES = [
  "priority 5182 table 5182",
  "priority 32764 table main suppress_prefixlength 0",
  "priority 32765 not fwmark 0xca6c table 51820",
];

const addressLine = fc
  .tuple(fc.constantFrom("replace", "replace", "del"), fc.constantFrom(...ADDRESSES))
  .map(([verb, address]) => `address ${verb} ${address} dev wg0`);
const routeLine = fc
  .tuple(fc.constantFrom("add", "add", "replace", "del"), fc.constantFrom(...ROUTES))
  .map(([verb, route]) => `route ${verb} ${route}`);
const connectedLine = fc.constantFrom(...CONNECTED);
const otherLine = fc.constantFrom(
  ...["link set up dev wg0", "link set down dev wg0", "link set mtu 1400 dev wg0"],
  ...["add", "del"].flatMap((verb) => RULES.map((rule) => `rule ${verb} ${rule}`)),
);
const line = fc.oneof(
  { weight: 10, arbitrary: addressLine },
  { weight: 10, arbitrary: routeLine },
  { weight: 2, arbitrary: connectedLine },
  { weight: 1, arbitrary: otherLine },
);

describe("the model of a host", () => {
  it("has the same addresses, routes and rules as the kernel after the same lines for ip", function () {
    programs.require(this, "unshare");
    programs.require(this, "ip");
    programs.requireRoot(this);
    fc.assert(
      fc.property(fc.array(line, { minLength: 12, maxLength: 24 }), (drawn) => {
        const lines = ["link set up dev wg0", ...drawn];
        assert.deepEqual(tablesOf(modelAfter(lines)), tablesOf(kernelAfter(lines)));
      }),
      { numRuns: 80 },
    );
  });
});

function kernelAfter(lines: readonly string[]): NetworkState {
  const script = `ip tuntap add wg0 mode tun
sysctl -qw net.ipv6.conf.wg0.addr_gen_mode=1 net.ipv4.conf.all.promote_secondaries=0 net.ipv4.conf.wg0.promote_secondaries=0
ip -force -batch - 2>/dev/null <<'END'
${lines.join("\n")}
END
printf 'link show\\naddress show\\nroute show table all\\nrule show\\n' | ip -j -batch -
ip -j -6 rule show`;
  const printed = execFileSync("unshare", ["-n", "sh", "-c", script], { encoding: "utf8" });
  return parseNetwork(printed.split("\n"));
}

function modelAfter(lines: readonly string[]): NetworkState {
  const host: Host = {
    ...freshHost(),
    links: new Map([["wg0", newLink({ up: false, type: "none" })]]),
    routes: [],
  };
  for (const text of lines) {
    try {
      ipLine(host, text, 4);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  return parseNetwork(sectionsOf(host, null).get("ip") ?? []);
}

function tablesOf({ links, routes, rules }: NetworkState) {
  const { mtu, up, addresses } = links.get("wg0") ?? { addresses: [] };
  const own = routes.filter(({ device, type, prefix }) => {
    const automatic = prefix.startsWith("fe80:") || prefix.startsWith("ff00:");
    return device === "wg0" && type === "unicast" && !automatic;
  });
  const ours = rules.filter(({ priority }) => [5182, 32764, 32765].includes(priority));
  return { mtu, up, addresses: [...addresses].sort(), routes: sorted(own), rules: sorted(ours) };
}

function sorted(all: readonly object[]): string[] {
  return all.map((it) => JSON.stringify(it)).sort();
}
