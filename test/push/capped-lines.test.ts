/** Output in pieces becomes lines, with work in proportion to its length and a cap. */
import * as assert from "node:assert/strict";
import * as fc from "fast-check";
import { CappedLines } from "../../scripts/push/capped-lines";

/** Feeds pieces. @returns the lines, the rest, and the number of calls for too much output */
function feed(cap: number, pieces: Iterable<string>) {
  const lines: string[] = [];
  let tooMuch = 0;
  const reader = new CappedLines(cap, {
    onLine: (line) => lines.push(line),
    onTooMuch: () => (tooMuch += 1),
  });
  for (const piece of pieces) reader.write(piece);
  return { lines, rest: reader.rest, tooMuch };
}

function* repeat(piece: string, times: number): Generator<string> {
  for (let count = 0; count < times; count += 1) yield piece;
}

/** Generous: quadratic copying took minutes. */
const SOON_MS = 10_000;

describe("lines from pieces", () => {
  it("are those of the whole text, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "é") })), (pieces) => {
        const { lines, rest } = feed(1_000_000, pieces);
        assert.deepEqual([...lines, rest], pieces.join("").split("\n"));
      }),
    );
  });

  it("end with the cap, once, and nothing after it is kept", () => {
    const { lines, rest, tooMuch } = feed(100, repeat("0123456789\n", 1000));
    assert.equal(tooMuch, 1);
    assert.ok(lines.length * 11 <= 100 && rest.length <= 100);
  });

  it("of a million short ones take a moment", () => {
    const begun = performance.now();
    const { lines } = feed(100_000_000, repeat("ab\n".repeat(1000), 1000));
    assert.equal(lines.length, 1_000_000);
    assert.ok(performance.now() - begun < SOON_MS);
  });

  it("of 100 MB in one line without an end are cut off at the cap, and take a moment", () => {
    const begun = performance.now();
    const { lines, rest, tooMuch } = feed(16 << 20, repeat("x".repeat(64), 1_600_000));
    assert.deepEqual([lines.length, tooMuch], [0, 1]);
    assert.ok(rest.length <= 16 << 20);
    assert.ok(performance.now() - begun < SOON_MS);
  });

  it("go to the next listener from the next line on, with a cap of its own", () => {
    const heard: string[] = [];
    const onTooMuch = (): void => void heard.push("too much");
    const reader = new CappedLines(12, {
      onLine: (line) => {
        heard.push(line);
        if (line !== "ready") return;
        reader.handOver(40, { onLine: (next) => heard.push(`then ${next}`), onTooMuch });
      },
      onTooMuch,
    });
    reader.write("hi\nready\none\ntw");
    reader.write("o\n0123456789\n");
    assert.deepEqual(heard, ["hi", "ready", "then one", "then two", "then 0123456789"]);
  });
});
