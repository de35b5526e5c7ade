/** Programs that a push needs on a host, and the packages to install. */
import { servesDns } from "./dns-server";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";

/** Programs that every system should have; they are not installed. */
const BASE_TOOLS = ["sha256sum", "awk", "flock"];

interface PackageManager {
  program: string;
  /** A shell command, to which packages are added. */
  install: string;
  /** Packages with wg, wg-quick and ip. */
  tools: readonly string[];
  /** The package with dnsmasq, without a service that starts by itself. */
  dns: string;
}

/** The preferred one first. */
const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    program: "apt-get",
    install:
      "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update; apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install",
    tools: ["wireguard-tools", "iproute2"],
    dns: "dnsmasq-base",
  },
  ...["dnf", "yum"].map((program) => ({
    program,
    install: `${program} -q -y install`,
    tools: ["wireguard-tools", "iproute"],
    dns: "dnsmasq",
  })),
  // wg-quick needs bash, but Alpine's package does not depend on it.
  {
    program: "apk",
    install: "apk -q add",
    tools: ["wireguard-tools", "iproute2", "bash"],
    dns: "dnsmasq",
  },
];

export interface Installation {
  packages: string[];
  /** For the host's shell. */
  command: string;
}

interface Missing {
  cause: string;
  remedy: string;
}

/**
 * What to install; null if nothing is missing or the package manager is unknown. Without `wanted`: what every push needs.
 */
export function toolsToInstall(observed: Observation, wanted?: Wanted): Installation | null {
  const manager = PACKAGE_MANAGERS.find(({ program }) => observed.tools.has(program));
  if (manager === undefined) return null;
  const packages = [
    ...(hasWireGuardTools(observed) ? [] : manager.tools),
    ...(observed.wireguard === "none" ? ["wireguard-go"] : []),
    ...(wanted !== undefined && lacksNft(observed, wanted) ? ["nftables"] : []),
    ...(wanted !== undefined && lacksDnsmasq(observed, wanted) ? [manager.dns] : []),
  ];
  const command = [manager.install, ...packages].join(" ");
  return packages.length === 0 ? null : { packages, command };
}

/** What has to be installed by hand; null if nothing is missing. */
export function missingTool(observed: Observation): Missing | null {
  const base = BASE_TOOLS.find((tool) => !observed.tools.has(tool));
  if (base !== undefined) {
    return {
      cause: `the host has no ${base}`,
      remedy: "install coreutils, util-linux and awk there",
    };
  }
  if (!hasWireGuardTools(observed)) {
    return {
      cause: "wg, wg-quick or the full ip is missing and could not be installed",
      remedy: "install wireguard-tools and iproute2 on the host",
    };
  }
  if (observed.wireguard === "none") {
    return {
      cause: "neither this kernel nor a wireguard-go program has WireGuard",
      remedy: "install a kernel with WireGuard (5.6 or newer has it), or wireguard-go",
    };
  }
  return null;
}

/** The same for the wanted state of this host. */
export function missingFor(observed: Observation, wanted: Wanted): Missing | null {
  const { node } = wanted;
  if (lacksNft(observed, wanted)) {
    // The filter needs nft: iptables has no separate tables.
    return {
      cause: `${node} has a packet filter in the plan, and the host has no nft, which could not be installed`,
      remedy: `install nftables on the host; iptables can stay as it is. Or take what needs the filter off ${node}`,
    };
  }
  if (wanted.mustAnswer.length > 0 && !observed.tools.has("ping")) {
    return {
      cause: "the host has no ping, which the push needs to test the exit",
      remedy: `install iputils-ping (or iputils) on the host, or remove routeAll from ${node}`,
    };
  }
  if (lacksDnsmasq(observed, wanted)) {
    return {
      cause: "dnsmasq, which answers for the names of nodes, is missing and could not be installed",
      remedy: "install dnsmasq on this relay, or take network.domain out",
    };
  }
  return null;
}

function lacksNft({ tools }: Observation, { filter }: Wanted): boolean {
  return filter !== null && !tools.has("nft");
}

function lacksDnsmasq({ tools }: Observation, wanted: Wanted): boolean {
  return servesDns(wanted) && !tools.has("dnsmasq");
}

/** busybox's ip has neither -batch nor -j. */
function hasWireGuardTools({ tools, ip }: Observation): boolean {
  return tools.has("wg") && tools.has("wg-quick") && ip === "full";
}
