/**
 * The names of nodes on a host: a file of hosts(5) lines, and a copy of it as a marked block in /etc/hosts, which works with
 * every resolver, even while the tunnel is down.
 */
import type { CommitStep } from "./change";
import type { BootDifference } from "./difference";
import { sameLines, words } from "./lines";
import type { Observation } from "./observation";
import { pathsOf } from "./paths";
import type { Wanted } from "./wanted";

/** Lines of hosts(5); null without a domain. */
export function namesLines({ names, node }: Pick<Wanted, "names" | "node">): string[] | null {
  if (names === null) return null;
  return names.nodes.flatMap((line) => {
    const [name = "", ...addresses] = words(line);
    // The host's own name and localhost are in other lines of the file.
    const short = name === node || name === "localhost" ? [] : [name];
    const all = [`${name}.${names.domain}`, ...short];
    return addresses.map((address) => [address, ...all].join(" "));
  });
}

/** Whether the host needs a unit that writes the names again at boot, because cloud-init overwrites /etc/hosts. */
export function needsNamesUnit({ cloudInit, init }: Observation, { names }: Wanted): boolean {
  return cloudInit && init === "systemd" && names !== null;
}

/** systemd.service(5); null where it is not needed. cloud-init's module update_etc_hosts belongs to its first service. */
export function namesUnitLines(observed: Observation, wanted: Wanted): string[] | null {
  if (!needsNamesUnit(observed, wanted)) return null;
  const { name } = wanted.main;
  return [
    "# wireguard-mesh",
    "[Unit]",
    `Description=Names of the nodes of ${name} in /etc/hosts`,
    "After=local-fs.target cloud-init.service cloud-init-network.service",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=/bin/sh ${pathsOf(name).hostScript} names ${name}`,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
}

/** Compares the block in /etc/hosts. The file with the names is a boot file. */
export function hostsDifference(
  { hostsBlock }: Observation,
  wanted: Wanted,
): Extract<BootDifference, { kind: "hosts" }>[] {
  const lines = namesLines(wanted);
  if (lines === null) return hostsBlock === null ? [] : [{ kind: "hosts", is: "extra" }];
  if (hostsBlock === null) return [{ kind: "hosts", is: "missing" }];
  return sameLines(lines, hostsBlock) ? [] : [{ kind: "hosts", is: "outdated" }];
}

/** Updates the block, after the file with the names was placed or deleted. */
export function hostsSteps(observed: Observation, wanted: Wanted): CommitStep[] {
  return hostsDifference(observed, wanted).length === 0
    ? []
    : [{ do: "hosts", names: pathsOf(wanted.main.name).names }];
}
