/**
 * Takes over an interface of another program if it has the node's key, as after an import. Only differences are changed.
 */
import { isLost } from "../wg-quick/lost-settings";
import { splitAt } from "./lines";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import type { Wanted } from "./wanted";

/** Reports whether there is no owner mark, and the interface has the wanted key. */
export function hasOwnKey({ records, devices }: Observation, { main }: Wanted): boolean {
  return records.owner === null && devices.get(main.name)?.publicKey === main.publicKey;
}

/** Settings of its file that a push would remove. */
export function lostSettings({ configs }: Observation, { main }: Wanted): string[] {
  const lines = configs.get(configPath(main.name)) ?? [];
  const lost = lines.flatMap((line) => {
    const [setting, value] = splitAt(line.replace(/#.*/, ""), "=").map((part) => part.trim());
    return setting !== undefined && isLost(setting, value ?? "") ? [setting] : [];
  });
  return [...new Set(lost)];
}

/**
 * Whether wg-quick(8) creates the interface. Other programs, such as NetworkManager, would create their own version again at
 * the next boot.
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

/** `asItIs`: there are no differences. */
export function takeoverNote({ main: { name } }: Wanted, asItIs: boolean): string {
  return asItIs
    ? `unchanged: ${name} runs as planned already, so only its files were written`
    : `${name} was made by another program; it has this node's key, so it was taken over`;
}
