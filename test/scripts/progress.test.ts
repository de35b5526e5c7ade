/** Progress is one line at the end of a terminal, which leaves nothing behind, and plain lines elsewhere. */
import assert from "node:assert/strict";
import { mock } from "node:test";
import { PushPhases } from "../../scripts/cli/push-phases";
import { log } from "../../scripts/log";
import { withProgress } from "../../scripts/progress";
import { queryHosts } from "../../scripts/stack/query-hosts";
import { plan, plannedAs } from "./support/planned-network";

interface Screen {
  isTTY: boolean;
  columns?: number | undefined;
  TERM?: string;
}

/** What stderr got while `work` ran; `after` moves the clock. */
async function seen(
  screen: Screen,
  work: (after: (ms: number) => void) => Promise<void>,
): Promise<string> {
  const { isTTY, columns } = process.stderr;
  const { TERM } = process.env;
  let text = "";
  // Node 22 warns that these timers are experimental, which would mix with the output under test.
  const warning = mock.method(process, "emitWarning", () => undefined);
  mock.timers.enable({ apis: ["setInterval"] });
  warning.mock.restore();
  const write = mock.method(process.stderr, "write", (chunk: string) => {
    text += chunk;
    return true;
  });
  Object.assign(process.stderr, { columns: screen.columns ?? 80, isTTY: screen.isTTY });
  process.env["TERM"] = screen.TERM ?? "xterm";
  try {
    await work((ms) => {
      mock.timers.tick(ms);
    });
  } finally {
    write.mock.restore();
    mock.timers.reset();
    Object.assign(process.stderr, { isTTY, columns });
    if (TERM === undefined) Reflect.deleteProperty(process.env, "TERM");
    else process.env["TERM"] = TERM;
  }
  return text;
}

/** The lines of a terminal after what was written, and the widest line that it had at any time. */
function shownBy(text: string): { lines: string[]; widest: number } {
  const lines = [""];
  let widest = 0;
  // eslint-disable-next-line no-control-regex -- ESC begins a sequence
  for (const [piece] of text.matchAll(/\r\u001B\[K|\n|[^\r\n\u001B]+/g)) {
    if (piece === "\n") lines.push("");
    else lines[lines.length - 1] = piece.startsWith("\r") ? "" : (lines.at(-1) ?? "") + piece;
    widest = Math.max(widest, lines.at(-1)?.length ?? 0);
  }
  return { lines, widest };
}

describe("progress", () => {
  const asking = (words: string[]) => (after: (ms: number) => void) => {
    let now = words[0] ?? "";
    return withProgress(
      () => now,
      (update) => {
        for (const word of words.slice(1)) {
          now = word;
          update();
        }
        log("warning: a clock is late");
        after(25_000);
        return Promise.resolve();
      },
    );
  };

  it("is one line of a terminal, below what is logged, and leaves nothing behind", async () => {
    const text = await seen(
      { isTTY: true },
      asking(["queried 0 of 2 hosts", "queried 1 of 2 hosts"]),
    );
    assert.ok(text.includes("queried 0 of 2 hosts") && text.includes("queried 1 of 2 hosts"));
    assert.deepEqual(shownBy(text).lines, ["warning: a clock is late", ""]);
  });

  it("has no line break, whatever its length and the width of the terminal", async () => {
    for (const [columns, widest] of [
      [40, 39],
      [80, 79],
      [200, 79],
      // Not known, as under script(1).
      [0, 79],
    ]) {
      const text = await seen({ isTTY: true, columns }, asking(["x".repeat(300)]));
      assert.equal(shownBy(text).widest, widest);
      assert.deepEqual(shownBy(text).lines, ["warning: a clock is late", ""]);
    }
  });

  it("is a plain line every ten seconds without a terminal, and none for short work", async () => {
    for (const screen of [{ isTTY: false }, { isTTY: true, TERM: "dumb" }]) {
      const long = await seen(screen, asking(["queried 0 of 2 hosts", "queried 1 of 2 hosts"]));
      assert.equal(long, "warning: a clock is late\nqueried 1 of 2 hosts\nqueried 1 of 2 hosts\n");
      assert.equal(await seen(screen, () => withProgress(String, () => Promise.resolve())), "");
    }
  });

  it("ends with the work, also where that fails", async () => {
    const text = await seen({ isTTY: true }, async (after) => {
      const failing = withProgress(
        () => "asking",
        () => Promise.reject(new Error("no")),
      );
      await assert.rejects(failing, /no/);
      after(25_000);
    });
    assert.deepEqual(shownBy(text).lines, [""]);
  });
});

describe("querying hosts", () => {
  it("prints nothing if there are no hosts to query", async () => {
    const access = { ...plannedAs(plan), sshPrivateKey: null };
    const text = await seen({ isTTY: true }, async () => {
      await queryHosts([], access);
    });
    assert.equal(text, "");
  });
});

describe("the phases of pushes", () => {
  it("are shown in one line: how many pushes are done, and the phases of some others", () => {
    const phases = new PushPhases();
    assert.equal(phases.text, "starting the engine");
    phases.expect(5);
    for (const node of ["tokyo", "desktop", "laptop", "nas"])
      phases.add({ node, kind: "phase", phase: "connecting" });
    phases.add({ node: "tokyo", kind: "phase", phase: "confirming" });
    assert.equal(
      phases.text,
      "pushed 0 of 5: tokyo confirming, desktop connecting, laptop connecting, 1 more",
    );
    phases.add({ node: "tokyo", kind: "pushed" });
    phases.add({ node: "desktop", kind: "failed" });
    phases.add({ node: "nas", kind: "note", text: "installing nftables" });
    assert.equal(phases.text, "pushed 2 of 5: laptop connecting, nas connecting");
  });

  it("are counted without a total where no preview has given one", () => {
    const phases = new PushPhases();
    phases.add({ node: "tokyo", kind: "pushed" });
    assert.equal(phases.text, "pushed 1");
  });
});
