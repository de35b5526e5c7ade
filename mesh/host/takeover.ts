/**
 * Taking over an interface that another program made: one with the node's own key is this node's, as after an import. It is
 * changed only where it differs from what is wanted.
 */
import { isLost } from "../wg-quick/kept";
import { splitAt } from "./lines";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import type { Wanted } from "./wanted";

/** Reports whether there is no owner mark, and the interface has the key that is wanted of it. */
export function hasOwnKey({ records, devices }: Observation, { main }: Wanted): boolean {
  return records.owner === null && devices.get(main.name)?.publicKey === main.publicKey;
}

/** The settings of its file that a push would drop. */
export function lostSettings({ configs }: Observation, { main }: Wanted): string[] {
  const lines = configs.get(configPath(main.name)) ?? [];
  const lost = lines.flatMap((line) => {
    const [setting, value] = splitAt(line.replace(/#.*/, ""), "=").map((part) => part.trim());
    return setting !== undefined && isLost(setting, value ?? "") ? [setting] : [];
  });
  return [...new Set(lost)];
}

/**
 * Whether wg-quick(8) makes it from its file: what other programs made, such as NetworkManager, they make again at the next boot,
 * as it was.
 */
export function isOfWgQuick({ configs }: Observation, { main }: Wanted): boolean {
  return configs.get(configPath(main.name))?.some((line) => /^\s*Address\s*=/i.test(line)) === true;
}

export function takesOver(observed: Observation, wanted: Wanted): boolean {
  return (
    hasOwnKey(observed, wanted) &&
    isOfWgQuick(observed, wanted) &&
    lostSettings(observed, wanted).length === 0
  );
}

/** `asItIs`: nothing of it differs. */
export function takeoverNote({ main: { name } }: Wanted, asItIs: boolean): string {
  return asItIs
    ? `unchanged: ${name} runs as planned already, so only its files were written`
    : `${name} was made by another program; it has this node's key, so it was taken over`;
}
