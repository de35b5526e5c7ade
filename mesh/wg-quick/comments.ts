/** Finds names of nodes in comments, in the forms that people, wg-easy, Algo and installers use. */

/** `Client: `, `Name = `, `friendly_name=`, `BEGIN_PEER `, `begin `, `wireguard-mesh: ` and the like. */
const LABEL =
  /^(?:(?:client|peer|user|device|name|friendly[_ ]?name|wireguard-mesh)\s*[:=]|(?:begin|begin_peer|client|peer)\s)\s*/i;
/** Ends the section of a peer. */
const END = /^end(?:_peer)?\s/i;
/** wg-easy adds an ID to names. */
const ID = /\([0-9a-f-]{0,64}\)$/i;

/** The name in a comment; null for prose, a commented-out setting, and anything that may be a key. */
export function nameInComment(line: string): string | null {
  const text = line
    .replace(/^[\s#]+/, "")
    .trim()
    .replace(/ #{1,9}$/, "")
    .replace(ID, "")
    .trim();
  const name = text.replace(LABEL, "").trim();
  const isName =
    !END.test(text) &&
    /^[\p{L}\p{N}_@.'’() -]{1,40}$/u.test(name) &&
    name.split(/\s+/).length <= 3 &&
    !/[\w+/]{30}/.test(name);
  return isName && labelOf(name) !== null ? name : null;
}

/** The name as a DNS label; null if it has no valid characters. */
export function labelOf(name: string): string | null {
  const label = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/['’]|\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  return label === "" ? null : label;
}
