/** Warnings that do not stop a push. */
import { clockNote } from "./clock";
import { dnsCommand, servesDns } from "./dns-server";
import { resolve } from "./endpoints";
import { firewallNotes } from "./firewall-notes";
import { portNotes } from "./former-port";
import { homeNotes } from "./moving-homes";
import { formerNotes } from "./former-addresses";
import { keptNote } from "./kept-second";
import { forwardingNotes } from "./kernel-settings";
import type { Observation } from "./observation";
import { replacedInstances } from "./peer-differences";
import { isRenamed } from "./refusals";
import { interfacesOf, type Wanted } from "./wanted";
import { formatNumericEndpoint } from "./wireguard-state";

/** Notes that do not depend on a change. */
export function standingNotes(observed: Observation, wanted: Wanted): string[] {
  const all = interfacesOf(wanted).flatMap((one) => {
    const running = observed.devices.get(one.name)?.peers;
    return one.peers.flatMap(({ name, publicKey, endpoint }) => {
      if (endpoint === null || resolve(endpoint, observed).length > 0) return [];
      const is = running?.get(publicKey)?.endpoint ?? null;
      const stays =
        is === null
          ? `it has no endpoint until the name resolves${wanted.followNames ? ", which is tried every 30 s" : `: then run npx wireguard-mesh repush ${wanted.node}`}`
          : `its endpoint stays ${formatNumericEndpoint(is)}`;
      return [`${endpoint.host}, the endpoint of ${name}, does not resolve on this host; ${stays}`];
    });
  });
  return [...new Set([...all, ...keptNote(wanted)])];
}

/**
 * Notes on problems of the host, for pushes and `status`. `now`: this machine's clock, in seconds since 1970.
 */
export function hostNotes(observed: Observation, wanted: Wanted, now: number): string[] {
  const clock = clockNote(observed.now, now);
  return [...firewallNotes(observed, wanted), ...(clock === null ? [] : [clock])];
}

/** Notes on a change. */
export function changeNotes(observed: Observation, wanted: Wanted): string[] {
  const { owner } = observed.records;
  const replaced = replacedInstances(observed, wanted);
  const renewed = wanted.main.peers.filter(({ publicKey }) => replaced.has(publicKey));
  return [
    ...(owner !== null && isRenamed(observed, wanted)
      ? [`this host was ${owner.node}; it is ${wanted.node} from now on`]
      : []),
    ...renewed.map(({ name }) => `the machine of ${name} was replaced: a new handshake is made`),
    ...formerNotes(wanted),
    ...homeNotes(wanted),
    ...portNotes(wanted),
    ...forwardingNotes(observed, wanted),
    ...(observed.init === "none" ? notAtBoot(wanted) : []),
  ];
}

function notAtBoot(wanted: Wanted): string[] {
  const { name } = wanted.main;
  const tunnel = `this host has neither systemd nor OpenRC: ${name} will not come up by itself after a reboot. Let its start-up run: wg-quick up ${name} (a line in /etc/rc.local, or @reboot in root's crontab)`;
  const dns = `nor will its DNS server for the names of nodes: ${dnsCommand(name)}`;
  return servesDns(wanted) ? [tunnel, dns] : [tunnel];
}
