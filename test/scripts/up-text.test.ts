import assert from "node:assert/strict";
import { upText } from "../../scripts/cli/up-text";
import type { UpReport } from "../../scripts/stack/converge";

const QUIET: UpReport = {
  ...{ ok: true, exitCode: 0, updated: true, failed: [], pushed: [], removed: [], waiting: [] },
  ...{ handOver: [], links: [], planned: 0, checked: [] },
};

describe("the end of an up", () => {
  it("says what was made: the hosts that were pushed to, and who has left", () => {
    assert.equal(upText({ ...QUIET, pushed: ["tokyo"] }), "Done: pushed to 1 host (tokyo)");
    const pushed = Array.from({ length: 50 }, (_, at) => `host${at}`);
    assert.equal(
      upText({ ...QUIET, pushed, removed: ["phone", "nas"] }),
      "Done: pushed to 50 hosts (host0, host1, host2, host3, host4, host5 and 44 more);\n      removed phone, nas",
    );
  });

  it("says nothing of it where nothing was made", () => {
    assert.equal(upText(QUIET), "");
    const failed = [{ node: "nas", reason: "cannot be reached" }];
    assert.equal(upText({ ...QUIET, ok: false, failed }), "failed: nas: cannot be reached");
  });
});
