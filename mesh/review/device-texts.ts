/**
 * The texts of many devices in one, with the device's name before each line: the engine shows the lines that change in a text,
 * but the whole of a map in which something does.
 */

/** Each text ends with a newline. */
export function joinTexts(texts: Iterable<readonly [device: string, text: string]>): string {
  return [...texts]
    .flatMap(([device, text]) => text.replace(/\n$/, "").split("\n").map(lineOf(device)))
    .join("");
}

function lineOf(device: string): (line: string) => string {
  return (line) => (line === "" ? `${device}:\n` : `${device}: ${line}\n`);
}

/** The inverse of `joinTexts`. */
export function splitTexts(joined: string): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [, device = "", line = ""] of joined.matchAll(/^([^:\n]+):(?: (.*))?$/gm))
    texts.set(device, `${texts.get(device) ?? ""}${line}\n`);
  return texts;
}
