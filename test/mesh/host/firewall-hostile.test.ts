/** Hostile packet filters: the program neither hangs nor throws, and reports nothing where it stops reading. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { firewallFindings, type TunnelNeeds } from "../../../mesh/host/firewall";

const NEEDS: TunnelNeeds = {
  interface: "wg0",
  listenPort: 51820,
  outerDevice: "eth0",
  forwards: true,
  forwards6: true,
  tunnel: ["10.86.0.0/24"],
};
/** Seconds of CPU time; each case takes some tenths. Quadratic time would be minutes. */
const LIMIT = 4;

const HEAD = ["table inet filter {", "\tchain in {"];
const HOOK = "\t\ttype filter hook input priority filter; policy drop;";
const TAIL = ["\t}", "}"];

function chain(rules: string[]): string[] {
  return [...HEAD, HOOK, ...rules, ...TAIL];
}

function times(count: number, line: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => line(index));
}

/** Chains that jump to their `targets`; the first one is a base chain. */
function jumps(count: number, targets: (index: number) => number[]): string[] {
  const chains = Array.from({ length: count }, (_, index) => [
    `\tchain c${index} {`,
    ...(index === 0 ? [HOOK] : []),
    ...targets(index).map((target) => `\t\tjump c${target}`),
    "\t}",
  ]);
  return ["table inet filter {", ...chains.flat(), "}"];
}

function findings(nft: string[], iptables: string[] = [], needs = NEEDS): string[] {
  const before = process.cpuUsage();
  const found = firewallFindings({ nft, iptables }, needs);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < LIMIT * 1e6, `took ${(user + system) / 1e6} s`);
  return found.map(({ blocked, chain: name }) => `${blocked} ${name}`);
}

describe("a hostile packet filter is read in linear time", () => {
  const megabytes = 3.9 * 1024 * 1024;
  const cases: [string, string[], string[]][] = [
    [
      "100,000 rules",
      chain(times(100_000, (i) => `\t\ttcp dport ${i % 65536} accept`)),
      ["port in", "pings in"],
    ],
    [
      "100,000 rules that are not understood",
      chain(times(100_000, () => "\t\tfrob x y z")),
      ["port in", "tunnel in"],
    ],
    ["100,000 tables", times(100_000, (i) => `table ip t${i} {\n}`), []],
    ["100,000 chains", ["table ip t {", ...times(100_000, (i) => `\tchain c${i} {`), "}"], []],
    ["chains in chains", chain(times(100_000, () => "\t\tudp dport 1 jump {")), []],
    ["a jump to itself", jumps(1, () => [0]), []],
    ["jumps in a circle", jumps(1000, (i) => [(i + 1) % 1000]), []],
    ["100,000 jumps deep", jumps(100_000, (i) => [i + 1]), []],
    [
      "2 to the power of 38 ways",
      jumps(39, (i) => (i < 38 ? [i + 1, i + 1] : [])),
      ["port c0", "tunnel c0"],
    ],
    [
      "every chain jumps to every later one",
      jumps(400, (i) => Array.from({ length: 399 - i }, (_, at) => i + 1 + at)),
      [],
    ],
    ["one very long word", chain([`\t\t${"x".repeat(megabytes)} drop`]), ["port in", "tunnel in"]],
    ["one very long text", chain([`\t\tlog prefix "${"x\\".repeat(megabytes / 2)}" accept`]), []],
    ["quotes", chain([`\t\t${'"'.repeat(megabytes)}`]), ["port in", "tunnel in"]],
    ["opening braces", chain([`\t\tudp dport ${"{ ".repeat(megabytes / 2)}`]), []],
    ["closing braces", chain([`\t\t${"} ".repeat(megabytes / 2)}`]), ["port in", "tunnel in"]],
    ["commas", chain([`\t\tudp dport 1${",".repeat(megabytes)} accept`]), []],
    ["negations", chain([`\t\tudp dport ${"!= ".repeat(megabytes / 3)} 1 accept`]), ["pings in"]],
    [
      "one very large set",
      chain([`\t\tudp dport { ${"53, ".repeat(megabytes / 4)} 51820 } accept`]),
      [],
    ],
    [
      "20,000 addresses, as a country has",
      chain([
        `\t\tip saddr { ${times(20_000, (i) => `11.${i >> 8}.${i & 255}.0/24`).join(", ")} } accept`,
      ]),
      ["port in", "tunnel in"],
    ],
    [
      "one very large set of addresses",
      chain([`\t\tip saddr { ${"10.0.0.0/8, ".repeat(megabytes / 12)} } drop`]),
      [],
    ],
    [
      "a verdict map that jumps back",
      chain([`\t\tudp dport vmap { ${"1-65535 : jump in, ".repeat(300_000)} }`]),
      [],
    ],
    ["more than 4 MB", chain(times(100_000, () => `\t\t${"x".repeat(90)}`)), []],
    [
      "a set that never ends",
      [...HEAD, HOOK, "\t\tudp dport { 53,", ...times(100_000, () => "1, ")],
      [],
    ],
    [
      "names of Object.prototype",
      chain([
        "\t\tconstructor __proto__ drop",
        "\t\tmeta toString 1 accept",
        "\t\tip valueOf 1 drop",
      ]),
      [],
    ],
  ];
  for (const [what, lines, expected] of cases) {
    it(`nft: ${what}`, () => {
      assert.deepEqual(findings(lines), expected);
    });
  }

  it("nft: very many IPv6 addresses, and many prefixes of the tunnel", () => {
    const lines = chain(
      times(50_000, (i) => `\t\tip6 saddr { fd00::${i % 9999}, 1:2:3:4:5:6:7:8 } drop`),
    );
    const tunnel = times(500, (i) => `fd5c:10::${i}/128`);
    // After the time limit, nothing is reported.
    assert.deepEqual(findings(lines, [], { ...NEEDS, tunnel }), ["port in"]);
  });

  const rules = (lines: string[]): string[] => [
    "*filter",
    ":INPUT DROP [0:0]",
    ":a - [0:0]",
    ":b - [0:0]",
    ...lines,
    "COMMIT",
  ];
  const old: [string, string[], string[]][] = [
    [
      "100,000 rules",
      rules(times(100_000, () => "-A INPUT -p tcp --dport 1 -j ACCEPT")),
      ["port INPUT", "pings INPUT"],
    ],
    ["jumps in a circle", rules(["-A INPUT -j a", "-A a -j b", "-A b -j a"]), []],
    [
      "one very long word",
      rules([`-A INPUT ${"x".repeat(megabytes)} -j DROP`]),
      ["port INPUT", "tunnel INPUT"],
    ],
    [
      "a text without an end",
      rules([`-A INPUT --comment "${"\\".repeat(megabytes)}`]),
      ["port INPUT", "tunnel INPUT"],
    ],
    ["many negations", rules([`-A INPUT ${"! ".repeat(megabytes / 2)}-i lo -j ACCEPT`]), []],
    [
      "ports",
      rules([`-A INPUT -p udp --dports ${"1:2,".repeat(megabytes / 4)}51820 -j ACCEPT`]),
      [],
    ],
    [
      "names of Object.prototype",
      rules(["-A INPUT constructor -j __proto__", "-A __proto__ -j toString"]),
      [],
    ],
  ];
  for (const [what, lines, expected] of old) {
    it(`iptables: ${what}`, () => {
      assert.deepEqual(findings([], lines), expected);
    });
  }
});

describe("hostile output of a packet filter", () => {
  it("puts nothing into a command but plain names", () => {
    for (const name of ["x;reboot", "$(reboot)", "\u001b[31m", "x'", "`id`", "x".repeat(200)]) {
      const nft = `table inet ${name} {\n\tchain in {\n${HOOK}\n\t}\n}\ntable inet t {\n\tchain ${name} {\n${HOOK}\n\t}\n}`;
      assert.deepEqual(findings(nft.split("\n")), [], name);
    }
  });

  it("never throws", () => {
    const word = fc.constantFrom(
      ...'table chain inet ip filter { } ( ) , ; : . " != ! & / type hook input policy drop accept jump goto vmap udp dport saddr ct state meta iifname log limit counter rate over burst xt match fib set @s 10.0.0.0/8 1-2 * # *filter -A INPUT :INPUT -j -i --dport COMMIT \\ /'.split(
        " ",
      ),
    );
    const line = fc.array(word, { maxLength: 12 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        firewallFindings(
          { nft: [...HEAD, HOOK, ...lines], iptables: ["*filter", ...lines] },
          NEEDS,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("gives no finding when it is cut off, unless the rest cannot change it", () => {
    const whole = chain([
      "\t\tudp dport 51820 accept",
      "\t\tmeta l4proto { icmp, ipv6-icmp } accept",
    ]);
    const text = whole.join("\n");
    for (let length = 0; length < text.length; length++) {
      assert.deepEqual(findings(text.slice(0, length).split("\n")), [], text.slice(0, length));
    }
    assert.deepEqual(findings(chain(["\t\tdrop"]).slice(0, -2)), ["port in", "tunnel in"]);
  });
});
