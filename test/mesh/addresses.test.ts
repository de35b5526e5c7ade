/** Addresses and prefixes: canonical forms, rejected forms, arithmetic. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  compareAddresses,
  contains,
  hostPrefix,
  nextFree,
  overlaps,
  parseAddress,
  parsePrefix,
  reservedAddresses,
  type IpAddress,
  type Prefix,
} from "../../mesh/addresses";
import {
  addressOfBits,
  bitsOf,
  bitsOfPrefix,
  isInPrefix,
  sameFamily,
} from "../support/address-bits";

const bits4 = fc.array(fc.constantFrom("0", "1"), { minLength: 32, maxLength: 32 });
// The first bit is set, which excludes IPv4-mapped addresses.
const bits6 = fc
  .array(fc.constantFrom("0", "1"), { minLength: 127, maxLength: 127 })
  .map((rest) => ["1", ...rest]);
const bits = fc.oneof(bits4, bits6).map((digits) => digits.join(""));
const address = bits.map((digits) => parseAddress(addressOfBits(digits)));
const prefix = bits.chain((digits) =>
  fc.nat(digits.length).map((length) => {
    const base = digits.slice(0, length).padEnd(digits.length, "0");
    return parsePrefix(`${addressOfBits(base)}/${length}`);
  }),
);

describe("an address", () => {
  it("is parsed bit by bit, and its canonical form parses to itself", () => {
    fc.assert(
      fc.property(bits, (digits) => {
        const read = parseAddress(addressOfBits(digits));
        assert.equal(bitsOf(read.text), digits);
        assert.equal(read.family, digits.length === 32 ? 4 : 6);
        assert.deepEqual(parseAddress(read.text), read);
      }),
    );
  });

  const spellings: [string, string][] = [
    ["FD5C:0010::0002", "fd5c:10::2"],
    ["fd5c:10:0:0:0:0:0:2", "fd5c:10::2"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8::1.2.3.4", "2001:db8::102:304"],
    ["10.86.0.2", "10.86.0.2"],
  ];
  for (const [written, canonical] of spellings) {
    it(`${written} has the canonical form ${canonical}`, () => {
      assert.equal(parseAddress(written).text, canonical);
    });
  }

  it("is ordered by number, IPv4 first", () => {
    fc.assert(
      fc.property(address, address, (a, b) => {
        const number = (one: IpAddress) => BigInt(`0b${bitsOf(one.text)}`);
        const byNumber = number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0;
        const expected = a.family === b.family ? byNumber : Math.sign(a.family - b.family);
        assert.equal(Math.sign(compareAddresses(a, b)), expected);
      }),
    );
  });
});

describe("a prefix", () => {
  it("parses to itself in canonical form", () => {
    fc.assert(
      fc.property(prefix, (one) => {
        assert.deepEqual(parsePrefix(one.text), one);
      }),
    );
  });

  it("with host bits is rejected, and the remedy is the prefix without them", () => {
    fc.assert(
      fc.property(bits, fc.nat(127), (digits, drawn) => {
        const length = drawn % digits.length;
        fc.pre(digits.slice(length).includes("1"));
        const base = addressOfBits(digits.slice(0, length).padEnd(digits.length, "0"));
        const remedy = `write ${parsePrefix(`${base}/${length}`).text}`;
        assert.throws(() => parsePrefix(`${addressOfBits(digits)}/${length}`), { remedy });
      }),
    );
  });

  it("contains the addresses that begin with its bits", () => {
    fc.assert(
      fc.property(prefix, address, (one, other) => {
        assert.equal(contains(one, other), isInPrefix(other.text, one.text));
        assert.ok(contains(hostPrefix(other), other));
      }),
    );
  });

  it("overlaps another when one begins with the other", () => {
    fc.assert(
      fc.property(prefix, narrowed(prefix), (a, b) => {
        const [left, right] = [bitsOfPrefix(a.text), bitsOfPrefix(b.text)];
        const expected =
          sameFamily(a.text, b.text) && (left.startsWith(right) || right.startsWith(left));
        assert.equal(overlaps(a, b), expected);
        assert.equal(overlaps(b, a), expected);
      }),
    );
  });

  const reserved: [string, string[]][] = [
    ["10.0.0.0/24", ["10.0.0.0", "10.0.0.255"]],
    ["10.0.0.4/30", ["10.0.0.4", "10.0.0.7"]],
    ["10.0.0.4/31", []],
    ["10.0.0.4/32", []],
    ["fd5c:10::/64", ["fd5c:10::"]],
    ["fd5c:10::/126", ["fd5c:10::"]],
    ["fd5c:10::/127", []],
  ];
  for (const [text, expected] of reserved) {
    it(`${text} has these reserved addresses: ${expected.join(", ") || "none"}`, () => {
      const kept = reservedAddresses(parsePrefix(text)).map((one) => one.text);
      assert.deepEqual(kept, expected);
    });
  }
});

describe("the next free address", () => {
  it("is the lowest in the prefix that is neither reserved nor taken", () => {
    fc.assert(
      fc.property(smallPrefix(), fc.array(fc.nat(20)), (one, drawn) => {
        const inside = allIn(one);
        const taken = drawn.flatMap((at) => inside[at] ?? []);
        const blocked = new Set([...taken, ...reservedAddresses(one)].map(({ text }) => text));
        const expected = inside.find(({ text }) => !blocked.has(text)) ?? null;
        assert.deepEqual(nextFree(one, taken), expected);
      }),
    );
  });

  it("is in none of the excluded prefixes, however large they are", () => {
    const [one, two] = ["fd5c:10::/65", "fd5c:10::8000:0:0:0/127"].map(parsePrefix);
    assert.ok(one !== undefined && two !== undefined);
    const whole = parsePrefix("fd5c:10::/64");
    assert.equal(nextFree(whole, [], [one, two])?.text, "fd5c:10::8000:0:0:2");
    assert.equal(nextFree(one, [], [whole]), null);
    const end = parsePrefix("255.255.255.254/31");
    assert.equal(nextFree(end, [], [end]), null);
  });

  it("is null at the end of the address space", () => {
    const last = parsePrefix("255.255.255.254/31");
    const both = ["255.255.255.254", "255.255.255.255"].map(parseAddress);
    assert.equal(nextFree(last, both), null);
    assert.deepEqual(nextFree(last, both.slice(0, 1)), both[1]);
  });

  it("is found quickly in a /64", () => {
    const taken = [parseAddress("fd5c:10::1"), parseAddress("fd5c:10::2")];
    assert.equal(nextFree(parsePrefix("fd5c:10::/64"), taken)?.text, "fd5c:10::3");
  });
});

/** Short prefixes, so that overlaps are frequent. */
function narrowed(prefixes: fc.Arbitrary<Prefix>): fc.Arbitrary<Prefix> {
  return fc.tuple(prefixes, fc.nat(6)).map(([one, cut]) => {
    const length = Math.min(cut, one.length);
    const width = one.family === 4 ? 32 : 128;
    const base = bitsOfPrefix(one.text).slice(0, length).padEnd(width, "0");
    return parsePrefix(`${addressOfBits(base)}/${length}`);
  });
}

/** A prefix of at most 16 addresses, in either family. */
function smallPrefix(): fc.Arbitrary<Prefix> {
  return fc.tuple(bits, fc.nat(4)).map(([digits, free]) => {
    const length = digits.length - free;
    const base = digits.slice(0, length).padEnd(digits.length, "0");
    return parsePrefix(`${addressOfBits(base)}/${length}`);
  });
}

function allIn(one: Prefix): IpAddress[] {
  const begin = bitsOfPrefix(one.text);
  const free = (one.family === 4 ? 32 : 128) - begin.length;
  return Array.from({ length: 2 ** free }, (_, at) => {
    const end = free === 0 ? "" : at.toString(2).padStart(free, "0");
    return parseAddress(addressOfBits(begin + end));
  });
}
