/** A host's output in a message: the last lines, shortened, and without terminal control characters. */
import * as assert from "node:assert/strict";
import { printable, quoted } from "../../scripts/push/printable";

describe("a host's output in a message", () => {
  it("is its last three non-empty lines, one below the other", () => {
    assert.equal(
      quoted("one\ntwo\r\n\n  three\n \nfour\n\n"),
      "\n    it says: two\n             three\n             four",
    );
    assert.equal(quoted(" \n\u0007\n"), "");
  });

  it("has no colours, and no control or invisible characters", () => {
    assert.equal(
      printable("\u001b[1;31mred\u001b[0m\u0007 \u202eback\tend\u001b]0;title"),
      "red back end]0;title",
    );
  });

  it("is cut to a maximal length", () => {
    assert.equal(printable("x".repeat(1_000_000)), `${"x".repeat(200)}…`);
  });
});
