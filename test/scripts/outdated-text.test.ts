/** The list of devices that need a new config. */
import * as assert from "node:assert/strict";
import { outdatedText } from "../../scripts/cli/report-text";
import { planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

describe("the list of devices that need a config", () => {
  const plan = planOf(changed());
  const devices = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ node: `d${at}`, why: ["it is new"] }));
  const lines = (count: number) => outdatedText(devices(count), plan).split("\n");

  it("names twelve, and counts the rest, so that a review of a large network fits a screen", () => {
    assert.equal(lines(12).length, 13);
    assert.deepEqual(lines(950).slice(12), [
      "  npx wireguard-mesh qr d11  # it is new",
      "  and 938 more",
    ]);
  });
});
