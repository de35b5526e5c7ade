/** The AWS SDK in the program: not there where no relay needs it, and unable to register what breaks a rule. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { ec2Stack } from "../support/ec2-stacks";
import { goodStack } from "../support/stacks";
import type { Stack } from "../support/engine-mock";

const ROOT = path.join(__dirname, "../..");
const PRELUDE = `const { runProgram } = require("./test/support/engine-mock");
const stack = JSON.parse(require("node:fs").readFileSync(0, "utf8"));`;

/** Runs a script in a process of its own: what a module registry holds is a matter of the whole process. */
function runAlone(script: string, stack: Stack): { code: number | null; text: string } {
  const args = ["-r", "ts-node/register/transpile-only", "-e", `${PRELUDE}\n${script}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    input: JSON.stringify(stack),
    encoding: "utf8",
  });
  return { code: status, text: stdout + stderr };
}

describe("the AWS SDK", function () {
  this.timeout(120_000);
  const loaded = `runProgram(stack).then(() => {
  const modules = Object.keys(require.cache).filter((file) => file.includes("/@pulumi/aws/"));
  console.log(modules.length > 0 ? "loaded" : "not loaded");
  process.exit(0);
});`;

  it("is not loaded by a network whose machines are all there already", () => {
    assert.deepEqual(runAlone(loaded, goodStack(true)), { code: 0, text: "not loaded\n" });
  });

  it("is loaded where a relay is made on EC2", () => {
    assert.deepEqual(runAlone(loaded, ec2Stack(true)), { code: 0, text: "loaded\n" });
  });
});

describe("a program that breaks a rule for AWS", function () {
  this.timeout(120_000);
  const broken = `const pulumi = require("@pulumi/pulumi");
const registered = [];
// What an edit of this program, or a transformation of the user's, could come to.
const loaded = require("./components/relay-instance");
const { RelayInstance } = loaded;
loaded.RelayInstance = class extends RelayInstance {
  constructor(name, args, opts) {
    const open = ({ type, props, opts }) =>
      type.endsWith(":Instance") ? { props: { ...props, metadataOptions: {} }, opts } : undefined;
    super(name, args, { ...opts, transformations: [open] });
  }
};
runProgram(stack, registered).then(
  () => console.log("it ran"),
  (problem) => {
    const instances = registered.filter(({ type }) => type.endsWith(":Instance"));
    console.log(pulumi.RunError.isInstance(problem), instances.length, problem.message);
    // Without the SDK's word at the end about promises that a stopped program leaves behind.
    process.reallyExit(0);
  },
);`;

  for (const preview of [true, false]) {
    it(`is stopped with the rule's name in ${preview ? "a preview" : "an update"}`, () => {
      assert.deepEqual(runAlone(broken, ec2Stack(preview)), {
        code: 0,
        text: `true 0 relays.tokyo.ec2: tokyo-debian-12-arm64-1 (aws:ec2/instance:Instance) breaks what a relay on AWS must be; nothing was changed
  imdsv2-required: instance metadata answers to session tokens only, and one hop away
`,
      });
    });
  }
});
