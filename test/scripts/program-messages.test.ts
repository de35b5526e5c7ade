import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

/** Registers a resource, warns, and prints the severity of each message that the engine gets: 0 for debugging, 2 for a warning. */
const REGISTER = `
const pulumi = require("@pulumi/pulumi");
pulumi.runtime.setMocks({ call: () => ({}), newResource: ({ inputs }) => ({ id: "1", state: inputs }) });
// No server listens there; the client is not used.
require("@pulumi/pulumi/runtime/state").getStore().settings.options.engineAddr = "127.0.0.1:1";
const engine = require("@pulumi/pulumi/runtime/settings").getEngine();
engine.log = (request, done) => { console.log(request.getSeverity()); done(null); };
new pulumi.ComponentResource("a:b:C", "name", { text: "text" });
void pulumi.log.warn("a warning");
`;

function severities(before: string): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ["-e", before + REGISTER], {
    cwd: ROOT,
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout.trim().split("\n");
}

describe("the program's messages to the engine", () => {
  it("are warnings and errors, not the SDK's debug messages", function () {
    // Loading the SDK takes seconds.
    this.timeout(60_000);
    const ofSdk = severities("");
    assert.ok(ofSdk.filter((severity) => severity === "0").length >= 3, ofSdk.join(" "));
    assert.deepEqual(severities('require("./scripts/program.cjs");'), ["2"]);
  });
});
