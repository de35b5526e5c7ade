/** The program loads the AWS SDK only for a network with an ec2 relay. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ec2Stack } from "../support/ec2-stacks";
import { goodStack } from "../support/stacks";
import type { Stack } from "../support/engine-mock";

const ROOT = path.join(__dirname, "../..");
const PRELUDE = `const { runMockedProgram } = require("./test/support/engine-mock");
const stack = JSON.parse(require("node:fs").readFileSync(0, "utf8"));`;

/** Runs a script in its own process, because the module cache is shared by all tests of a process. */
function runInNewProcess(script: string, stack: Stack): { code: number | null; text: string } {
  const args = ["--require", "./scripts/load-typescript.cjs", "-e", `${PRELUDE}\n${script}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    input: JSON.stringify(stack),
    encoding: "utf8",
  });
  return { code: status, text: stdout + stderr };
}

describe("the AWS SDK", function () {
  this.timeout(120_000);
  const loaded = `runMockedProgram(stack).then(() => {
  const modules = Object.keys(require.cache).filter((file) => file.includes("/@pulumi/aws/"));
  console.log(modules.length > 0 ? "loaded" : "not loaded");
  process.exit(0);
});`;

  it("is not loaded for a network without an ec2 relay", () => {
    assert.deepEqual(runInNewProcess(loaded, goodStack(true)), { code: 0, text: "not loaded\n" });
  });

  it("is loaded for a network with an ec2 relay", () => {
    assert.deepEqual(runInNewProcess(loaded, ec2Stack(true)), { code: 0, text: "loaded\n" });
  });
});
