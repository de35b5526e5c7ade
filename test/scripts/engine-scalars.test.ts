/** Scalars without quotes: what the engine reads, what the commands read, and what they refuse. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Mistake } from "../../mesh/config/mistake";
import { isPlainText, readPlain } from "../../scripts/stack/plain-scalar";
import { parseYaml } from "../../scripts/stack/yaml-values";
import { programs } from "../support/programs";

const times = (...lists: string[][]): string[] =>
  lists.reduce((all, list) => all.flatMap((start) => list.map((end) => start + end)), [""]);

/** Every form of number and time that YAML 1.1, YAML 1.2 or Go knows, and texts that look like one. */
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
  ..."9007199254740993 9223372036854775808 18446744073709551616 1e400 -1e400 1e308 -0 -0.0".split(
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
    const engine = findEngine();
    if (engine === null) {
      programs.require(this, "pulumi");
      return;
    }
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
    const read = readByEngine(engine, texts);
    const rows = texts.map((text, index) => ({ text, engine: read[index], ours: readPlain(text) }));
    const different = rows.filter(
      ({ ours, engine }) => !(ours instanceof Mistake) && !Object.is(ours, engine),
    );
    assert.deepEqual(different, []);
    // What the engine reads as this very text is not refused, but for times that do not exist and numbers out of range.
    const needless = rows.filter(
      ({ text, ours, engine }) =>
        ours instanceof Mistake && engine === text && !/^2027-|e400$/.test(text),
    );
    assert.deepEqual(needless, []);
    assert.ok(rows.filter(({ ours }) => ours instanceof Mistake).length > 100);
    assert.ok(rows.filter(({ text }) => isPlainText(text)).length > 100);
  }).timeout(60_000);
});

/** On PATH, else where npm's wrapper puts it; null where none is installed. */
function findEngine(): string | null {
  const versions = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "versions");
  const installed = fs.existsSync(versions) ? fs.readdirSync(versions) : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(":").filter((folder) => !folder.endsWith(".bin")),
    ...installed.map((version) => join(versions, version, "bin")),
  ];
  return (
    folders.map((folder) => join(folder, "pulumi")).find((file) => fs.existsSync(file)) ?? null
  );
}

/** By `pulumi config --json`, from one stack file; undefined for a text that is no scalar. */
function readByEngine(engine: string, texts: readonly string[]): unknown[] {
  const folder = fs.mkdtempSync(join(tmpdir(), "wireguard-mesh-test-"));
  const env = {
    ...process.env,
    PULUMI_HOME: join(folder, "home"),
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "x",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const pulumi = (...args: string[]) =>
    execFileSync(engine, [...args, "--non-interactive", "--stack", "test"], { cwd: folder, env });
  try {
    fs.writeFileSync(join(folder, "Pulumi.yaml"), "name: wireguard-mesh\nruntime: nodejs\n");
    execFileSync(engine, ["stack", "init", "test", "--non-interactive"], {
      cwd: folder,
      env,
      stdio: "ignore",
    });
    const lines = texts.map((text) => `    - ${text}\n`).join("");
    const file = join(folder, "Pulumi.test.yaml");
    fs.appendFileSync(file, `config:\n  wireguard-mesh:scalars:\n${lines}`);
    const all = JSON.parse(pulumi("config", "--json").toString()) as Record<
      string,
      { value: string }
    >;
    return JSON.parse(all["wireguard-mesh:scalars"]?.value ?? "null") as unknown[];
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
