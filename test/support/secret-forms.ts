/** The encodings in which a key could leak. */

/** The key itself, hex in both cases, base64url, URL-encoded, and base64 of any text that contains it. */
export function formsOf(key: string): string[] {
  const bytes = Buffer.from(key, "base64");
  return [
    key,
    key.replace(/=+$/, ""),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.toString("base64url"),
    encodeURIComponent(key),
    ...base64Within(key),
  ];
}

/** The digits that base64 of a text containing this one must have, one for each of the three possible offsets. */
function base64Within(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const digits = Buffer.from(" ".repeat(offset) + text).toString("base64");
    // The first and last digits also encode the surrounding text.
    const end = Math.floor(((offset + text.length) * 8) / 6);
    return digits.slice(Math.ceil((offset * 8) / 6), end);
  });
}

/** The forms of the keys that are in the text; empty if none leaks. */
export function leaksIn(text: string, keys: readonly string[]): string[] {
  return keys.flatMap(formsOf).filter((form) => text.includes(form));
}
