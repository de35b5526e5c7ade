import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isEmpty } from "../../mesh/review/review";
import { readEvents } from "../../scripts/stack/engine-events";

/** Event logs of the real engine, 3.250.0, shortened; the push program in them always fails for `bad`. */
const fixture = (name: string) => readFileSync(join(__dirname, `fixtures/${name}.jsonl`), "utf8");
const read = (name: string) => readEvents(fixture(name));

const UNREACHED = {
  node: "bad",
  reason:
    "cannot be reached, so nothing was sent to it.\n  root@192.0.2.1: timed out: 192.0.2.1 port 22 does not answer\nIs it on?",
};

describe("the engine's events", () => {
  it("name the host that failed, with the push program's message, and the pushes that succeeded", () => {
    const { updated, failed, settled } = read("up-with-a-dead-host");
    assert.deepEqual(
      { updated, failed, settled },
      { updated: true, failed: [UNREACHED], settled: ["tokyo", "laptop"] },
    );
  });

  it("ignore what an up only planned in its preview", () => {
    const { updated, failed, settled } = read("up-after-its-preview");
    assert.deepEqual(
      { updated, failed, settled },
      { updated: true, failed: [UNREACHED], settled: ["tokyo", "laptop"] },
    );
  });

  it("name a dead relay once, without the engine's follow-up errors for the nodes that need it", () => {
    const { failed, settled } = read("up-with-a-dead-relay");
    assert.deepEqual(
      failed.map(({ node }) => node),
      ["tokyo"],
    );
    assert.deepEqual(settled, []);
  });

  it("list the nodes that a preview would change, and that nothing was updated", () => {
    const { updated, changes } = read("preview-of-changes");
    assert.equal(updated, false);
    assert.deepEqual(changes, [
      { node: "tokyo", change: "update" },
      { node: "laptop", change: "update" },
      { node: "tablet", change: "create" },
      { node: "bad", change: "create" },
      { node: "phone", change: "delete" },
    ]);
  });

  it("attribute a mistake in the config to no node", () => {
    const { failed, settled } = read("config-mistake");
    assert.deepEqual(settled, []);
    assert.deepEqual(
      failed.map(({ node }) => node),
      [null],
    );
    assert.match(failed[0]?.reason ?? "", /^the config has one mistake; nothing was changed\n/);
  });

  it("have no markup for colours in their messages", () => {
    const message = "<{%fg 9%}>exit status 1: it broke<{%reset%}>\n<{%reset%}>";
    const event = (severity: string) => JSON.stringify({ diagnosticEvent: { severity, message } });
    const { failed, warnings } = readEvents(`${event("error")}\n${event("warning")}`);
    const text = "exit status 1: it broke";
    assert.deepEqual([failed, warnings], [[{ node: null, reason: text }], [text]]);
  });

  it("say that a config is too long for the engine, which only names a program that it could not start", () => {
    const message =
      "<{%reset%}>an unhandled error occurred: Problem executing program (could not run language executor): fork/exec /usr/bin/node: argument list too long<{%reset%}>\n";
    const event = { diagnosticEvent: { urn: "", message, color: "raw", severity: "error" } };
    const { failed } = readEvents(JSON.stringify(event));
    assert.match(failed[0]?.reason ?? "", /^the stack's config is longer than the 128 KiB/);
  });

  it("show that an update began, even if the engine was killed before its summary", () => {
    const killed = (name: string) => {
      const lines = fixture(name).split("\n");
      const end = lines.findLastIndex((line) => line.includes("summaryEvent"));
      return readEvents(lines.slice(0, end).join("\n")).updated;
    };
    const fixtures = ["up-with-a-dead-host", "up-after-its-preview", "preview-of-changes"];
    assert.deepEqual(fixtures.map(killed), [true, true, false]);
  });

  it("may end in the middle of a line, or be empty, when the engine was killed", () => {
    for (const text of ["", '{"sequence":1,"summaryEvent":{"isPrev']) {
      const { review, outdated, ...events } = readEvents(text);
      const lists = [
        "failed",
        "settled",
        "changes",
        "cloud",
        "warnings",
        "operations",
        "unfinished",
      ];
      const none = Object.fromEntries(lists.map((name) => [name, []]));
      assert.deepEqual({ updated: false, ...none }, events);
      assert.deepEqual([isEmpty(review), outdated], [true, null]);
    }
  });
});
