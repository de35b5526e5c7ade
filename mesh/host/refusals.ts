/** Reasons to refuse a push to a host, with cause and remedy. */
import { FORMAT } from "./confirmed";
import type { Observation } from "./observation";
import type { PushRequest } from "../push-request";
import { configPath, pathsOf } from "./paths";
import type { Owner } from "./records";
import { hasOwnKey, isOfWgQuick, lostSettings, takesOver } from "./takeover";
import { missingFor, missingTool } from "./tools";
import { interfacesOf, type Wanted } from "./wanted";

export interface Refusal {
  cause: string;
  remedy: string;
}

/** Reasons that apply even without a change. The most basic come first. */
export function refusal(observed: Observation, wanted: Wanted): Refusal | null {
  return (
    missingTool(observed) ??
    missingFor(observed, wanted) ??
    lossyTakeover(observed, wanted) ??
    (takesOver(observed, wanted) ? null : foreignInterface(observed, wanted)) ??
    foreignOwner(observed, wanted) ??
    newerFormat(observed) ??
    otherInterface(observed, wanted) ??
    foreignSecond(observed, wanted) ??
    unfinishedChange(observed, wanted) ??
    noIpv6(observed, wanted)
  );
}

/** The same without missing tools, which a push may install. */
export function lastingRefusal(observed: Observation, wanted: Wanted): Refusal | null {
  const lacks = missingTool(observed) ?? missingFor(observed, wanted);
  return lacks === null ? refusal(observed, wanted) : null;
}

/** What a refusal needs to know of a node. */
type Marked = Pick<Wanted, "owner" | "node" | "machine" | "rivals"> & { main: { name: string } };

/** Reasons to refuse to make a private key on a host. */
export function keyRefusal(
  observed: Observation,
  { interface: name, ...marks }: Pick<PushRequest, "interface" | "owner" | "node" | "machine">,
): Refusal | null {
  const node = { ...marks, rivals: [], main: { name } };
  return (
    missingTool(observed) ??
    foreignInterface(observed, node) ??
    foreignOwner(observed, node) ??
    newerFormat(observed)
  );
}

/**
 * Reports whether the owner mark has a former name of this node: a node of the same stack and machine that is no longer in the
 * config.
 */
export function isRenamed({ records: { owner } }: Observation, wanted: Marked): boolean {
  if (owner === null || owner.released || owner.stack !== wanted.owner) return false;
  const bothLocal = owner.machine.startsWith("local:") && wanted.machine.startsWith("local:");
  return (
    owner.node !== wanted.node &&
    (owner.machine === wanted.machine || bothLocal) &&
    !wanted.rivals.includes(owner.node)
  );
}

function lossyTakeover(observed: Observation, wanted: Wanted): Refusal | null {
  const { name } = wanted.main;
  if (!hasOwnKey(observed, wanted)) return null;
  if (!isOfWgQuick(observed, wanted)) {
    const addresses = observed.network.links.get(name)?.addresses.join(", ") ?? "";
    return {
      cause: `${name} here has the key of ${wanted.node}, but wg-quick did not create it from ${configPath(name)}: the program that did would create it again at the next boot; it was not touched`,
      remedy: `stop that program there (NetworkManager, systemd-networkd, ifupdown, a container), and write to ${configPath(name)} what \`wg showconf ${name}\` prints, with Address = ${addresses} below [Interface]; then run up again`,
    };
  }
  const lost = lostSettings(observed, wanted);
  if (lost.length === 0) return null;
  return {
    cause: `${name} here has the key of ${wanted.node}, but a push would drop ${lost.join(", ")} from its file; it was not touched`,
    remedy: `see docs/import.md for what replaces them; take them out of ${configPath(name)} there, then run up again`,
  };
}

function foreignInterface(observed: Observation, { main: { name } }: Marked): Refusal | null {
  const { records, network, devices, digests } = observed;
  const live = configPath(name);
  const exists = network.links.has(name);
  if (records.owner === null && (exists || digests.has(live))) {
    return {
      cause: `there already is a ${name} that wireguard-mesh did not make; it was not touched`,
      remedy: `take it away there (wg-quick down ${name}; mv ${live} ${live}.old), or set network.interface to another name`,
    };
  }
  if (!exists || devices.has(name)) return null;
  return {
    cause: `there is a ${name} that wg cannot read; it was not touched`,
    remedy: `look there (ip -d link show ${name}); if nothing else needs it: sudo ip link del ${name}, then run up again`,
  };
}

/** A node whose machine has new host keys is still the same owner. */
function foreignOwner(observed: Observation, wanted: Marked): Refusal | null {
  const { owner } = observed.records;
  const { name } = wanted.main;
  if (owner === null || owner.released || isRenamed(observed, wanted)) return null;
  if (owner.stack === wanted.owner && owner.node === wanted.node) return null;
  const elsewhere =
    owner.stack === wanted.owner
      ? ""
      : "if that node is to stay, set network.interface to another name, before the first up; ";
  return {
    cause: `${name} here belongs to ${owner.node} of stack ${owner.stack}; it was not touched`,
    remedy: `${elsewhere}if that node is gone, release ${name} there: sudo sh ${pathsOf(name).hostScript} release ${name}`,
  };
}

function newerFormat({ records }: Observation): Refusal | null {
  if (records.format <= FORMAT) return null;
  return {
    cause: "this host was last pushed to by a newer wireguard-mesh; it was not touched",
    remedy: "update yours: git pull && npm ci, then run up again",
  };
}

/** The node's interface name changed: the engine would not remove the former interface, which uses the same port. */
function otherInterface({ records }: Observation, wanted: Wanted): Refusal | null {
  if (records.owner !== null) return null;
  const isOurs = ({ stack, node, machine }: Owner) =>
    stack === wanted.owner && node === wanted.node && machine === wanted.machine;
  const other = [...records.otherOwners].find(([, owner]) => isOurs(owner));
  if (other === undefined) return null;
  const [name] = other;
  return {
    cause: `this node has the interface ${name} here, and an interface is not renamed: nothing was changed`,
    remedy: `put network.interface back to ${name}; or, by another way in than the tunnel, take that one away first: sudo sh ${pathsOf(name).hostScript} remove ${name}`,
  };
}

function foreignSecond(observed: Observation, { second }: Wanted): Refusal | null {
  if (second === null || observed.records.second === second.name) return null;
  const { name } = second;
  const path = configPath(name);
  if (!observed.network.links.has(name) && !observed.digests.has(path)) return null;
  return {
    cause: `there already is a ${name} that wireguard-mesh did not make; it was not touched`,
    remedy: `it is needed while the key of this relay changes: rename yours (wg-quick down ${name}; mv ${path} ...)`,
  };
}

/** The undo of an earlier change would revert this one. */
function unfinishedChange({ pending, records }: Observation, { main }: Wanted): Refusal | null {
  if (pending === null && records.pendingOfFormat2 === null) return null;
  return {
    cause: `an earlier change of ${main.name} is not confirmed yet; nothing was changed`,
    remedy: "the host undoes it by itself within 45 s: wait a minute, then run up again",
  };
}

/** Adding an IPv6 address would fail during the change. */
function noIpv6({ sysctls }: Observation, wanted: Wanted): Refusal | null {
  const addresses = interfacesOf(wanted).flatMap((one) => one.addresses);
  const isWanted = wanted.forwarding.ipv6 || addresses.some((address) => address.includes(":"));
  if (!isWanted || sysctls.get("net/ipv6/conf/default/disable_ipv6") === "0") return null;
  return {
    cause:
      "IPv6 is switched off on this host, and its config wants an IPv6 address; nothing was changed",
    remedy:
      "switch it on there (sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0; see /etc/sysctl.d and the kernel's command line), or take address6 off this node",
  };
}
