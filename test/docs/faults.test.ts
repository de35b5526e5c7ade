/** docs/faults.md matches the tests: the files that it names contain tests with the fault's number in their titles. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";

const TEST = path.join(__dirname, "..");
describe("docs/faults.md", () => {
  const text = fs.readFileSync(path.join(TEST, "../docs/faults.md"), "utf8");
  const rows = text.split("\n").filter((line) => line.startsWith("| F"));
  const numbersIn = (row: string): number[] =>
    [...(row.split("|")[1] ?? "").matchAll(/\bF(\d+)\b/g)].map(([, number]) => Number(number));

  it("has a row for each fault, F1 to F28", () => {
    const all = Array.from({ length: 28 }, (_, at) => at + 1);
    const known = new Set(rows.flatMap(numbersIn));
    assert.deepEqual(
      all.filter((number) => !known.has(number)),
      [],
    );
  });

  it("names existing test files, one of them with the fault's number in a title", () => {
    let previousCell = "";
    for (const row of rows) {
      const cell = (row.split("|").at(-2) ?? "").replace("the same", previousCell);
      previousCell = cell;
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
