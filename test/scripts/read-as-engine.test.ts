/** Scalars without quotes: what the engine reads, what the commands read, and what they refuse. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Mistake } from "../../mesh/config/mistake";
import { isPlainText, readPlain } from "../../scripts/stack/plain-scalar";
import { parseYaml } from "../../scripts/stack/yaml-values";
import { addIn } from "../../scripts/stack/yaml-edit";
import { RealEngine } from "./support/real-engine";
import { stackTexts } from "./support/stack-texts";

const times = (...lists: string[][]): string[] =>
  lists.reduce((all, list) => all.flatMap((start) => list.map((end) => start + end)), [""]);

/** Every form of number and time in YAML 1.1, YAML 1.2 or Go, and texts that look like one. */
const TABLE = [
  ...times(
    ["", "-", "+"],
    ["0", "12", "012", "08", "0777", "0o17", "0o8", "0x1F", "0xZ", "0b11", "0b2", "1_000", "1:30"],
    ["", ".", ".5", "e3", "E-2", ".5e+1", "_", "x"],
  ),
  ...times(["", "-", "+"], [".5", ".", ".e3", ".5e1", "..5", "._5"]),
  ...times(
    ["2027-01-01", "2027-1-1", "2027-02-30", "02027-01-01", "2027-01"],
    [
      ...["", "T10:00:00Z", "t10:00:00Z", "T10:00Z", "T10:00:00", "T10:00:00.5Z", " 10:00:00"],
      ...["T10:00:00+09:00", "T10:00:00-00:00", " 10:00:00 +09:00", "T1:2:3Z", "Z", " "],
    ],
  ).map((text) => text.trim()),
  ..."true True TRUE tRUE false False yes Yes no on off y n ~ null Null NULL nUll none".split(" "),
  ..."9007199254740993 9223372036854775808 18446744073709551616 1e400 -1e400 1_0e400 -9.e999 1e308 -0 -0.0".split(
    " ",
  ),
  ..."10.86.0.2 10.86.0.0/24 203.0.113.10:51820 2001:db8::1 fd5c:10::/64 1.2.3 0x7f.1 1e3d".split(
    " ",
  ),
  ..."= << 12h 1d 00 000 0.0.0 1__0 0_8 +0x1f -0b11 -0o17 1p4 0x1p4 inf nan NaN Infinity".split(
    " ",
  ),
];

/** Readable by neither: infinity and NaN have no form in JSON. */
const UNREADABLE = [".inf", "-.inf", "+.INF", ".nan", ".NaN", ".Inf"];

describe("a scalar without quotes", () => {
  let engine: RealEngine | null = null;

  after(() => engine?.remove());

  it("is read by commands as it is written, or refused", () => {
    assert.deepEqual(
      ["25", "-3", "1.5", "1e3", "true", "~", "yes", "10.86.0.2", "2027-02-30"].map(readPlain),
      [25, -3, 1.5, 1000, true, null, "yes", "10.86.0.2", "2027-02-30"],
    );
    const refused: [string, RegExp][] = [
      ["025", /"025" without quotes is 21 to the engine.*in quotes/],
      ["0x10", /is 16 to the engine/],
      ["-0b11", /is -3 to the engine/],
      ["0o17", /is 15 to the engine/],
      ["1_000", /is 1000 to the engine/],
      ["2027-12-31T18:00:00+09:00", /is a YAML time.*put it in quotes/],
      ["2027-12-31 18:00:00", /is a YAML time.*put it in quotes/],
      ...UNREADABLE.map((text): [string, RegExp] => [text, /not a finite number/]),
    ];
    for (const [text, words] of refused) {
      const read = readPlain(text);
      assert.ok(read instanceof Mistake, text);
      assert.match(`${read.message} ${read.remedy}`, words);
    }
  });

  it("is refused as a name where the engine reads another one", () => {
    const { values } = parseYaml(
      '{ 012: 1, 10: 2, true: 3, 1.0: 4, ~: 5, "013": 6, 2027-01-01: 7 }',
      "f",
    );
    const kinds = Object.entries(values as object).map(
      ([name, value]) => [name, value instanceof Mistake ? "refused" : value] as const,
    );
    assert.deepEqual(Object.fromEntries(kinds), {
      ...{ "012": "refused", "10": 2, true: 3, "1.0": "refused", "~": "refused" },
      ...{ "013": 6, "2027-01-01": "refused" },
    });
  });

  it("is read as by the engine, for a generated table", function () {
    engine = RealEngine.open(this);
    const random = fc.sample(
      fc.string({ unit: fc.constantFrom(...Array.from("0123789-_.eExobT:+Z")) }),
      {
        numRuns: 1500,
        seed: 12,
      },
    );
    // A text with `: ` or at an end `:` is a map, and `-` alone is a list.
    const all = [...TABLE, ...random].filter((text) => text !== "" && !/:$|^-$|^---/.test(text));
    const texts = [...new Set(all)];
    const lines = texts
      .map(
        (text) => `    - ${text}
`,
      )
      .join("");
    const config = engine.configOf(`config:
  wireguard-mesh:scalars:
${lines}`);
    const read = config["wireguard-mesh:scalars"] as unknown[];
    const rows = texts.map((text, index) => ({ text, engine: read[index], ours: readPlain(text) }));
    const different = rows.filter(
      ({ ours, engine }) => !(ours instanceof Mistake) && !Object.is(ours, engine),
    );
    assert.deepEqual(different, []);
    // A text that the engine reads unchanged is not refused, except for times that do not exist.
    const needless = rows.filter(
      ({ text, ours, engine }) =>
        ours instanceof Mistake && engine === text && !/^2027-/.test(text),
    );
    assert.deepEqual(needless, []);
    assert.ok(rows.filter(({ ours }) => ours instanceof Mistake).length > 100);
    assert.ok(rows.filter(({ text }) => isPlainText(text)).length > 100);
  }).timeout(60_000);
});

describe("a stack file", () => {
  let engine: RealEngine | null = null;

  after(() => engine?.remove());

  it("is read as by the engine, before and after an edit", function () {
    const opened = RealEngine.open(this);
    engine = opened;
    const peer = { address: "10.86.0.99", tags: ["0b11", "1_0", "x: y"], expires: "2027-01-01" };
    for (const { text, refusal } of fc.sample(stackTexts, { numRuns: 12, seed: 12 })) {
      const edited =
        refusal === null ? [addIn(text, ["config", "wireguard-mesh:peers", "new"], peer)] : [];
      for (const file of [text, ...edited]) {
        const { config } = parseYaml(file, "f").values as { config: unknown };
        assert.deepEqual(plain(config), opened.configOf(file));
      }
    }
  }).timeout(60_000);
});

/** Without prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
