import assert from "node:assert/strict";
import { upText } from "../../scripts/cli/up-text";
import type { UpReport } from "../../scripts/stack/converge";

const QUIET: UpReport = {
  ...{ ok: true, exitCode: 0, updated: true, failed: [], pushed: [], removed: [], waiting: [] },
  ...{ handOver: [], links: [], planned: 0, checked: [] },
};

describe("the end of an up", () => {
  it("lists the hosts that were pushed to, and the removed nodes", () => {
    assert.equal(upText({ ...QUIET, pushed: ["tokyo"] }), "Done: pushed to 1 host (tokyo)");
    const pushed = Array.from({ length: 50 }, (_, at) => `host${at}`);
    assert.equal(
      upText({ ...QUIET, pushed, removed: ["phone", "nas"] }),
      "Done: pushed to 50 hosts (host0, host1, host2, host3, host4, host5 and 44 more);\n      removed phone, nas",
    );
  });

  it("lists neither if nothing was pushed or removed", () => {
    assert.equal(upText(QUIET), "");
    const failed = [{ node: "nas", reason: "cannot be reached" }];
    assert.equal(upText({ ...QUIET, ok: false, failed }), "failed: nas: cannot be reached");
  });

  it("prints the rollback of each canary whose tunnels are dead", () => {
    const dead = [
      { node: "db", neighbour: "tokyo" },
      { node: "db", neighbour: "nas" },
    ];
    const canary = { nodes: ["nas", "db"], relays: [], ok: false, dead, held: ["web"] };
    assert.equal(
      upText({ ...QUIET, ok: false, canary }),
      [
        "canary: nas, db: not all of its tunnels work, so the rest was not pushed",
        "  db does not reach tokyo",
        "  db does not reach nas",
        "  not touched: web",
        "  When it is fixed, run the same up again; to go on without it: npx wireguard-mesh up",
        "  To take it back: npx wireguard-mesh rollback db",
      ].join("\n"),
    );
  });
});
