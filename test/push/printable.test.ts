/** A host's own words in a message: the last lines, cut, and without anything that steers a terminal. */
import * as assert from "node:assert/strict";
import { printable, quoted } from "../../scripts/push/printable";

describe("a host's own words", () => {
  it("are the last three lines that say something, each below the other", () => {
    assert.equal(
      quoted("one\ntwo\r\n\n  three\n \nfour\n\n"),
      "\n    it says: two\n             three\n             four",
    );
    assert.equal(quoted(" \n\u0007\n"), "");
  });

  it("have no colours, control characters or invisible ones", () => {
    assert.equal(
      printable("\u001b[1;31mred\u001b[0m\u0007 \u202eback\tend\u001b]0;title"),
      "red back end]0;title",
    );
  });

  it("are cut to a length, however long the line is", () => {
    assert.equal(printable("x".repeat(1_000_000)), `${"x".repeat(200)}…`);
  });
});
