/** `up --max-failures`: how the pushes of one run count their failures. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { FailureLimit, isNotBegun, withFailureLimit } from "../../scripts/push/failure-limit";

const PROGRAM = path.join(__dirname, "../../dist/scripts/push/main.js");

/** The push program, with a request for a host without a way in, which fails at once. */
function push(environment: Record<string, string>, node: string): string {
  const request = { version: 1, node, owner: "test/failure-limit", targets: [], interface: "wg0" };
  const done = spawnSync(process.execPath, [PROGRAM, "apply"], {
    input: JSON.stringify({ ...request, config: "[Interface]\nPrivateKey = x\n", rotation: null }),
    env: { ...process.env, ...environment },
    encoding: "utf8",
  });
  assert.equal(done.status, 1, done.stderr);
  return done.stderr;
}

describe("a limit of failures", () => {
  it("starts pushes until that many hosts have failed", async () => {
    await withFailureLimit(2, (environment) => {
      const limit = FailureLimit.of(environment);
      assert.ok(limit !== null);
      limit.check("nas");
      limit.count("nas");
      // The same host twice is one failed host.
      limit.count("nas");
      limit.check("vps");
      limit.count("vps");
      assert.throws(
        () => {
          limit.check("web");
        },
        (error: Error) => error.message.startsWith("web: ") && isNotBegun(error.message),
      );
      return Promise.resolve();
    });
  });

  it("holds for the push program in the environment of the engine", async () => {
    await withFailureLimit(1, (environment) => {
      assert.equal(isNotBegun(push(environment, "nas")), false);
      assert.equal(isNotBegun(push(environment, "vps")), true);
      return Promise.resolve();
    });
    assert.equal(isNotBegun(push({}, "vps")), false);
  });

  it("is none without the option, and leaves no folder behind", async () => {
    assert.deepEqual(await withFailureLimit(undefined, (it) => Promise.resolve(it)), {});
    assert.equal(FailureLimit.of({}), null);
    const environment = await withFailureLimit(3, (it) => Promise.resolve(it));
    const [, folder = ""] = Object.values(environment).join("").split(":");
    assert.equal(fs.existsSync(folder), false);
    // A push that outlives its run.
    FailureLimit.of(environment)?.count("nas");
    FailureLimit.of(environment)?.check("nas");
  });
});
