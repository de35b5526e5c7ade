/** The stack file of a lab that is built anew: what a user has changed in it is kept. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepIfEdited, setAside } from "../../scripts/lab/former-stack";

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
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), "lab-stack-"));
    file = join(folder, "Pulumi.lab-x.yaml");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** Builds the lab anew; returns the text that was kept. */
  function rebuilt(former: string): string | null {
    fs.writeFileSync(file, former);
    const aside = setAside(file);
    assert.ok(aside !== null && !fs.existsSync(file));
    fs.writeFileSync(file, stackText("new"));
    const isKept = keepIfEdited(aside, file);
    assert.equal(fs.existsSync(aside), isKept);
    return isKept ? fs.readFileSync(aside, "utf8") : null;
  }

  it("is kept if it describes another network, or cannot be read", () => {
    for (const edited of [stackText("old", "desk"), "config: [", `${stackText("old")}  more: 1\n`])
      assert.equal(rebuilt(edited), edited);
  });

  it("is removed if it differs in nothing but keys", () => {
    assert.equal(rebuilt(stackText("old")), null);
  });

  it("need not exist", () => {
    assert.equal(setAside(file), null);
  });
});
