import assert from "node:assert/strict";
import { repushCommand } from "../../scripts/commands/repush";
import { STACK_FILE } from "./support/network";
import { projectOfEachTest } from "./support/test-project";

describe("repush", () => {
  const project = projectOfEachTest({ "Pulumi.test.yaml": STACK_FILE });

  it("requires either names or --all, and names with --force, so that it does not overwrite a whole network", async () => {
    const uses = [[], ["laptop", "--all"], ["--all", "--force"], ["--force"]];
    for (const words of uses) {
      const { exitCode, stderr } = await project.run([repushCommand()], "repush", ...words);
      assert.equal(exitCode, 2, words.join(" "));
      assert.match(stderr, /^error: (which hosts\?|--force is for single hosts)$/m);
    }
    assert.deepEqual(project.engineCalls(), []);
  });
});
