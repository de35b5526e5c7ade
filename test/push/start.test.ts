/** The start of the push program, once for each host. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as path from "node:path";

const PROGRAM = path.join(__dirname, "../../dist/scripts/push/main.js");

describe("the start of a push", () => {
  it("reads only the bundle and its loader", () => {
    const report = 'process.on("exit", () => console.log(Object.keys(require.cache).join("\\n")));';
    const argv = ["-e", `${report} require(${JSON.stringify(PROGRAM)})`];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    assert.match(stderr, /^usage: main\.js adopt\|apply\|remove/);
    const files = stdout.trim().split("\n");
    assert.deepEqual(files, [PROGRAM, path.join(path.dirname(PROGRAM), "bundle.js")]);
  });
});
