/** The spellings in which a key could leak. */

/** As it stands, hex in both cases, base64url, URL-encoded, and base64 of the base64. */
export function formsOf(key: string): string[] {
  const bytes = Buffer.from(key, "base64");
  return [
    key,
    key.replace(/=+$/, ""),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.toString("base64url"),
    encodeURIComponent(key),
    Buffer.from(key).toString("base64").replace(/=+$/, ""),
  ];
}

/** The forms of any of the keys that stand in the text. */
export function leaksIn(text: string, keys: readonly string[]): string[] {
  return keys.flatMap(formsOf).filter((form) => text.includes(form));
}
