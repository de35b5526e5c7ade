import assert from "node:assert/strict";
import { poll } from "../../scripts/poll";

describe("poll", () => {
  it("returns the first value other than undefined, falsy ones too", async () => {
    const values = [undefined, undefined, false, true];
    const times = { limitMs: 5_000, pauseMs: 1 };
    assert.equal(await poll(() => values.shift(), times), false);
    assert.deepEqual(values, [true]);
  });

  it("waits for an attempt that is a promise", async () => {
    assert.equal(await poll(() => Promise.resolve("up"), { limitMs: 0, pauseMs: 1 }), "up");
  });

  it("makes a single attempt when the limit is 0", async () => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      return undefined;
    };
    assert.equal(await poll<string>(attempt, { limitMs: 0, pauseMs: 1 }), undefined);
    assert.equal(attempts, 1);
  });

  it("makes its last attempt at the limit, however long the pause", async () => {
    const startedAt = performance.now();
    const at: number[] = [];
    const attempt = () => {
      at.push(performance.now() - startedAt);
      return undefined;
    };
    assert.equal(await poll<string>(attempt, { limitMs: 50, pauseMs: 60_000 }), undefined);
    assert.ok(at.length === 2 || at.length === 3, String(at));
    assert.ok((at.at(-1) ?? 0) >= 50, String(at));
  });

  it("ends with the error of an attempt", async () => {
    const attempt = () => Promise.reject<string>(new Error("broken"));
    await assert.rejects(poll(attempt, { limitMs: 5_000, pauseMs: 1 }), /broken/);
  });
});
