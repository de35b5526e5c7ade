/** The stack file of a lab that is built anew: what a user has changed in it is kept. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepIfEdited, readFormer } from "../../scripts/lab/former-stack";

const stackText = (key: string, peer = "laptop") => `encryptionsalt: v1:${key}:x
config:
  wireguard-mesh:peers:
    # a phone soon
    ${peer}:
      address: 10.0.0.3
      publicKey: ${key}=
      hostKey: ssh-ed25519 ${key}
  wireguard-mesh:privateKeys:
    laptop:
      secure: v1:${key}:y
`;

describe("the stack file of a former lab", () => {
  let folder: string;
  let file: string;
  let kept: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), "lab-stack-"));
    file = join(folder, "Pulumi.lab-x.yaml");
    kept = `${file}.former`;
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** Builds the lab anew, with new keys; returns the path of what was kept. */
  function rebuild(): string | null {
    const former = readFormer(file);
    fs.writeFileSync(file, stackText("new"));
    return keepIfEdited(former, file);
  }

  it("is kept if it describes another network, or cannot be read", () => {
    for (const edited of [
      stackText("old", "desk"),
      "config: [",
      `${stackText("old")}  more: 1\n`,
    ]) {
      fs.writeFileSync(file, edited);
      assert.equal(rebuild(), kept);
      assert.equal(fs.readFileSync(kept, "utf8"), edited);
    }
  });

  it("is not kept if it differs in nothing but keys, and leaves what was kept before", () => {
    fs.writeFileSync(file, stackText("old", "desk"));
    rebuild();
    assert.equal(rebuild(), null);
    assert.equal(fs.readFileSync(kept, "utf8"), stackText("old", "desk"));
  });

  it("is kept if the new lab could not be built", () => {
    assert.equal(keepIfEdited(stackText("old"), file), kept);
    assert.equal(keepIfEdited(null, file), null);
  });
});
