import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkNodeVersion } from "../../scripts/cli/node-version";

describe("the version of Node", () => {
  it("is refused below that of package.json", () => {
    const manifest = readFileSync(join(__dirname, "../../package.json"), "utf8");
    const { engines } = JSON.parse(manifest) as { engines: { node: string } };
    const oldest = engines.node.replace(">=", "");
    for (const version of [`${oldest}.0`, "22.99.1", "24.0.0", "100.1.0"])
      checkNodeVersion(version);
    for (const version of ["20.20.0", "22.11.9", "9.99.99"])
      assert.throws(
        () => {
          checkNodeVersion(version);
        },
        { message: new RegExp(`needs ${oldest}`) },
      );
  });
});
