/** The stack file of a lab that is built anew: what a user has changed in it is kept. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepFormer } from "../../scripts/lab/former-stack";

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

  /** Builds the lab anew, with new keys; returns the reported paths. */
  function rebuild(): string[] {
    const reported: string[] = [];
    const keep = keepFormer(file, (path) => reported.push(path));
    fs.writeFileSync(file, stackText("new"));
    keep();
    return reported;
  }

  it("is kept if it describes another network, or cannot be read", () => {
    const texts = [stackText("old", "desk"), "config: [", `${stackText("old")}  more: 1\n`];
    for (const edited of texts) {
      fs.writeFileSync(file, edited);
      assert.deepEqual(rebuild(), [kept]);
      assert.equal(fs.readFileSync(kept, "utf8"), edited);
      fs.rmSync(kept);
    }
  });

  it("is kept beside those that were kept before, once for each text", () => {
    for (const [peer, path] of [
      ["desk", kept],
      ["nas", `${kept}.2`],
      ["desk", kept],
    ] as const) {
      fs.writeFileSync(file, stackText("old", peer));
      assert.deepEqual(rebuild(), [path]);
      assert.equal(fs.readFileSync(path, "utf8"), stackText("old", peer));
    }
  });

  it("is not kept if it differs in nothing but keys, and leaves what was kept before", () => {
    fs.writeFileSync(file, stackText("old", "desk"));
    rebuild();
    assert.deepEqual(rebuild(), []);
    assert.equal(fs.readFileSync(kept, "utf8"), stackText("old", "desk"));
  });

  it("does not exist before the first lab", () => {
    assert.deepEqual(rebuild(), []);
    assert.ok(!fs.existsSync(kept));
  });

  it("is kept if the build is interrupted, which deletes it and ends the process", () => {
    fs.writeFileSync(file, stackText("old"));
    const module = JSON.stringify(require.resolve("../../scripts/lab/former-stack"));
    const name = JSON.stringify(file);
    const script = `require(${module}).keepFormer(${name}, () => {}); require("fs").rmSync(${name}); process.exit(130);`;
    const argv = ["--require", "./scripts/load-typescript.cjs", "--eval", script];
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: "utf8" });
    assert.equal(status, 130, stderr);
    assert.equal(fs.readFileSync(kept, "utf8"), stackText("old"));
  });
});
