/** Addresses as strings of zeros and ones: slow but obvious, to test mesh/addresses.ts against. */

const known = new Map<string, string>();

/** 32 or 128 characters of `0` and `1`. */
export function bitsOf(address: string): string {
  const bits = known.get(address) ?? (address.includes(":") ? bitsOf6(address) : bitsOf4(address));
  known.set(address, bits);
  return bits;
}

/** The bits that every address in the prefix begins with. */
export function bitsOfPrefix(prefix: string): string {
  const [address = "", length = ""] = prefix.split("/");
  return bitsOf(address).slice(0, Number(length));
}

/** Reports whether the address is in the prefix; false for different families. */
export function isInPrefix(address: string, prefix: string): boolean {
  return sameFamily(address, prefix) && bitsOf(address).startsWith(bitsOfPrefix(prefix));
}

export function sameFamily(one: string, other: string): boolean {
  return one.includes(":") === other.includes(":");
}

/** The address with these 32 or 128 bits, IPv6 in full form. */
export function addressOfBits(bits: string): string {
  const step = bits.length === 32 ? 8 : 16;
  const groups = Array.from({ length: bits.length / step }, (_, at) =>
    Number.parseInt(bits.slice(at * step, (at + 1) * step), 2),
  );
  return step === 8 ? groups.join(".") : groups.map((group) => group.toString(16)).join(":");
}

function bitsOf4(address: string): string {
  return address
    .split(".")
    .map((part) => binary(Number(part), 8))
    .join("");
}

function bitsOf6(address: string): string {
  const [head = "", tail] = address.split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  return groups.map((group) => binary(group, 16)).join("");
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}
