import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

/** Registers a resource, warns, and prints the severity of each message that the engine gets: 0 for debugging, 2 for a warning. */
const REGISTER = `
const pulumi = require("@pulumi/pulumi");
pulumi.runtime.setMocks({ call: () => ({}), newResource: ({ inputs }) => ({ id: "1", state: inputs }) });
// Nobody listens there; the client is not used.
require("@pulumi/pulumi/runtime/state").getStore().settings.options.engineAddr = "127.0.0.1:1";
const engine = require("@pulumi/pulumi/runtime/settings").getEngine();
engine.log = (request, done) => { console.log(request.getSeverity()); done(null); };
new pulumi.ComponentResource("a:b:C", "name", { text: "text" });
void pulumi.log.warn("a warning");
`;

/** Prints how many lines the SDK keeps as the stack of a promise, and how many an error has after that. */
const PROMISE = `
const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
const promise = Promise.resolve();
void debuggablePromise(promise, "");
console.log(promise._debugStackTrace.split("\\n").length - 1);
Error.prepareStackTrace = undefined;
console.log(new Error().stack.split("\\n").length > 1);
`;

function printed(program: string): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", program], {
    cwd: ROOT,
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

const WITH_PROGRAM = 'require("./scripts/program.cjs");';

describe("the program of the engine", function () {
  // Loading the SDK takes seconds.
  this.timeout(60_000);

  it("sends the engine warnings and errors, not the SDK's messages for debugging", () => {
    const ofSdk = printed(REGISTER);
    assert.ok(ofSdk.filter((severity) => severity === "0").length >= 3, ofSdk.join(" "));
    assert.deepEqual(printed(WITH_PROGRAM + REGISTER), ["2"]);
  });

  it("keeps no stacks of the SDK's promises, but those of errors", () => {
    assert.notEqual(printed(PROMISE)[0], "0");
    assert.deepEqual(printed(WITH_PROGRAM + PROMISE), ["0", "true"]);
  });
});
