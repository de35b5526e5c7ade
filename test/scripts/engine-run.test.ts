/** The engine's events arrive complete, and are never written to a disk. */
import * as assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { phaseIn } from "../../scripts/push/phase";
import { openEventPipe, runQuietly } from "../../scripts/stack/engine-run";
import { STACK_FILE } from "./support/network";
import { makeTestProject } from "./support/test-project";

describe("openEventPipe", () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "wireguard-mesh-test-"))));
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** Written by another process, which opens the log as the engine does. */
  const written = (log: string, text: string) =>
    promisify(execFile)(process.execPath, [
      ...["-e", "require('fs').writeFileSync(process.argv[1], process.argv[2].repeat(20))"],
      ...[log, text],
    ]);

  it("returns all events, also more than a pipe can buffer", async () => {
    const events = openEventPipe(folder);
    const line = `{"sequence":1,"words":"${"x".repeat(20_000)}"}`;
    await written(events.path, `${line}\n`);
    assert.equal((await events.text()).trim(), Array(20).fill(line).join("\n"));
  });

  it("returns nothing if the engine wrote nothing", async () => {
    assert.equal((await openEventPipe(folder).text()).trim(), "");
  });

  it("drops debug messages, which contain derived keys in plain text", async () => {
    const events = openEventPipe(folder);
    const debug = `{"sequence":1,"diagnosticEvent":{"prefix":"debug: ","message":"a key"}}`;
    const wanted = `{"sequence":2,"diagnosticEvent":{"prefix":"error: ","message":"words"}}`;
    await written(events.path, `${debug}\n${wanted}\n`);
    const text = await events.text();
    assert.doesNotMatch(text, /a key/);
    assert.match(text, /words/);
  });

  it("writes no file", async () => {
    const events = openEventPipe(folder);
    await written(events.path, "{}\n");
    assert.deepEqual(
      fs.readdirSync(folder).map((name) => fs.lstatSync(path.join(folder, name)).isFIFO()),
      [true],
    );
    await events.text();
  });
});

describe("the phases of a push", () => {
  it("arrive from the push program through a pipe in the engine's environment, and are not written without one", async () => {
    const project = makeTestProject();
    project.write("Pulumi.test.yaml", STACK_FILE);
    // The fake engine also stands for the plugin, which passes its environment on.
    const say = `${process.execPath} --require ${require.resolve("../../scripts/load-typescript.cjs")} -e '
      const { reportPhase } = require("${require.resolve("../../scripts/push/phase")}");
      for (const phase of ["connecting", "observing"]) reportPhase("nas", phase);'`;
    project.write("bin/pulumi", `#!/bin/sh\n${say}\n`);
    const stack = {
      name: "test",
      file: path.join(project.root, "Pulumi.test.yaml"),
      project: { root: project.root, name: "x", stackFiles: project.root, backend: null },
    };
    const { PATH } = process.env;
    process.env["PATH"] = `${path.join(project.root, "bin")}:${PATH ?? ""}`;
    try {
      const heard: string[] = [];
      const listeners = { onEvent: () => undefined, onPhase: (line: string) => heard.push(line) };
      assert.equal((await runQuietly(stack, ["up"], listeners)).exitCode, 0);
      assert.deepEqual(heard.map(phaseIn), [
        { node: "nas", kind: "phase", phase: "connecting" },
        { node: "nas", kind: "phase", phase: "observing" },
      ]);
      assert.equal((await runQuietly(stack, ["up"])).exitCode, 0);
    } finally {
      process.env["PATH"] = PATH;
      project.remove();
    }
  }).timeout(60_000);

  it("are in no other line", () => {
    assert.deepEqual(["", "nas", "nas flying"].map(phaseIn), [null, null, null]);
  });
});
