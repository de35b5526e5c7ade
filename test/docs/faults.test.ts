/** The table of faults says what is tested: the files that it names hold tests with the fault's number in their name. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

const TEST = path.join(__dirname, "..");
describe("docs/faults.md", () => {
  const text = fs.readFileSync(path.join(TEST, "../docs/faults.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| F"));
  const numbersIn = (row: string): number[] =>
    [...(row.split("|")[1] ?? "").matchAll(/\bF(\d+)\b/g)].map(([, number]) => Number(number));

  it("has a row for each fault of the catalogue, F1 to F28", () => {
    const all = Array.from({ length: 28 }, (_, at) => at + 1);
    const known = new Set(rows.flatMap(numbersIn));
    assert.deepEqual(
      all.filter((number) => !known.has(number)),
      [],
    );
  });

  it("names test files that exist, one of them with the row's number in a test's name", () => {
    let same = "";
    for (const row of rows) {
      const cell = (row.split("|").at(-2) ?? "").replace("the same", same);
      same = cell;
      const texts = [...cell.matchAll(/`([\w/-]+)`/g)].map(([, name]) =>
        read(`${name ?? ""}.test.ts`),
      );
      for (const number of numbersIn(row)) {
        const named = new RegExp(`\\bF${number}\\b`);
        assert.ok(
          texts.some((test) => named.test(test)),
          `no test of F${number} in ${cell}`,
        );
      }
    }
  });
});

function read(name: string): string {
  return fs.readFileSync(path.join(TEST, name), "utf8");
}
