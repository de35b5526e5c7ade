/**
 * Compares the stand-in with version 1.2.1 of the command plugin: all expected results were recorded from the real
 * plugin. To test another plugin:
 *   export COMMAND_PLUGIN=/path/to/pulumi-resource-command
 *   npx mocha --no-config --require ./scripts/load-typescript.cjs test/command-plugin/*.test.ts
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { callPlugin } from "./plugin-call";
import type { Case } from "./cases/case";
import { checkCases } from "./cases/check";
import { diffCases } from "./cases/diff";
import { failureCases } from "./cases/failure";
import { previewCases } from "./cases/preview";
import { runCases } from "./cases/run";
import { stateCases } from "./cases/state";
import { type PluginUnderTest, startPlugin } from "./plugin-under-test";

const table: Record<string, Case[]> = {
  check: checkCases,
  diff: diffCases,
  preview: previewCases,
  "running a command": runCases,
  "a command that fails": failureCases,
  "the recorded state": stateCases,
};

describe("command:local:Command", () => {
  let plugin: PluginUnderTest;
  let folder: string;

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "command-plugin-"));
    plugin = await startPlugin(folder, { FROM_ENGINE: "inherited", PULUMI_COMMAND_STDOUT: "" });
  });

  after(async () => {
    await plugin.stop();
    fs.rmSync(folder, { recursive: true });
  });

  for (const [name, cases] of Object.entries(table)) {
    describe(name, () => {
      for (const { title, call, result } of cases) {
        it(title, async () => {
          assert.deepEqual(await callPlugin(plugin, call), result);
        });
      }
    });
  }

  it("leaves no files after previews", () => {
    assert.deepEqual(fs.readdirSync(folder), []);
  });
});
