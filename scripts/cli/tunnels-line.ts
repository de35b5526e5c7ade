/** The number of working tunnels, of those in the plan. */
import pc from "picocolors";
import { shortList } from "../../mesh/review/short-list";
import { NEVER_DELIVERED, type Outdated } from "../../mesh/render/delivery";
import type { LinkState, LinkStatus } from "../stack/link-states";
import { wrapped } from "./wrap";

/**
 * `Tunnels: 2 of 3 have a handshake; phone has not been given its config`. `planned` is the number of links in the plan, of which
 * `links` were checked; `outdated` are the devices that need a config.
 */
export function tunnelsLine(
  links: readonly LinkStatus[],
  planned: number,
  outdated: readonly Outdated[],
): string {
  if (planned === 0) return "";
  const alive = links.filter(({ state }) => state === "alive").length;
  const isComplete = alive === planned;
  const unchecked = planned - links.length;
  const reasons = [
    ...reasonsFor(links, outdated),
    ...(unchecked > 0 ? [`${unchecked} not checked`] : []),
  ];
  const text = [`${alive} of ${planned} have a handshake`, ...reasons].join("; ");
  const isDead = links.some(({ state }) => state === "dead");
  const colour = isComplete ? pc.green : isDead ? pc.red : pc.yellow;
  return wrapped(`${colour("Tunnels:")} `, text);
}

function reasonsFor(links: readonly LinkStatus[], outdated: readonly Outdated[]): string[] {
  const silent = links.filter(({ state }) => state !== "alive");
  const ends = new Set(silent.flatMap(({ a, b }) => [a, b]));
  const waiting = outdated.filter(({ node }) => ends.has(node));
  const isNew = ({ why }: Outdated) => why.includes(NEVER_DELIVERED);
  const names = waiting.map(({ node }) => node);
  const others = silent.filter(({ a, b }) => !names.includes(a) && !names.includes(b));
  const among = (state: LinkState) => others.filter((link) => link.state === state).map(nameOf);
  return [
    ...listed("dead", among("dead")),
    ...sentence(waiting.filter(isNew), ["has not been given its", "have not been given their"]),
    ...sentence(
      waiting.filter((one) => !isNew(one)),
      ["does not have its present", "do not have their present"],
    ),
    ...listed("away", among("away")),
    ...listed("idle", among("idle")),
    ...listed("not known", among("unknown")),
  ];
}

function sentence(devices: readonly Outdated[], [one, several]: [string, string]): string[] {
  if (devices.length === 0) return [];
  const names = shortList(devices.map(({ node }) => node));
  return [`${names} ${devices.length === 1 ? one : several} config`];
}

function listed(what: string, names: string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${shortList(names)}`];
}

function nameOf({ a, b }: LinkStatus): string {
  return `${a} - ${b}`;
}
