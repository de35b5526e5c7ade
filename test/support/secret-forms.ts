/** The spellings in which a key could leak. */

/** As it stands, hex in both cases, base64url, URL-encoded, and base64 of any text that holds it. */
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

/** What stands in the base64 of every text that holds this one, wherever in it: three bytes make four digits. */
export function base64Within(text: string): string[] {
  return [0, 1, 2].map((offset) => {
    const digits = Buffer.from(" ".repeat(offset) + text).toString("base64");
    // The first digits belong to what stands before, the last ones to what comes after.
    const end = Math.floor(((offset + text.length) * 8) / 6);
    return digits.slice(Math.ceil((offset * 8) / 6), end);
  });
}

/** The forms of any of the keys that stand in the text. */
export function leaksIn(text: string, keys: readonly string[]): string[] {
  return keys.flatMap(formsOf).filter((form) => text.includes(form));
}
