/** Files of the user: what a replacement keeps, and when it is refused. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../scripts/stack/failure";
import { readUserFile, replaceUserFile } from "../../scripts/stack/user-file";

describe("a file of the user", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), "wireguard-mesh-test-"));
    file = join(folder, "Pulumi.test.yaml");
    fs.writeFileSync(file, "before\n");
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const refusal = (pattern: RegExp) => (problem: unknown) =>
    problem instanceof Failure && pattern.test(`${problem.message} ${problem.remedy ?? ""}`);

  it("keeps its permissions", () => {
    fs.chmodSync(file, 0o640);
    replaceUserFile(file, "after\n", "before\n");
    assert.equal(readUserFile(file), "after\n");
    assert.equal(fs.statSync(file).mode & 0o7777, 0o640);
    assert.deepEqual(fs.readdirSync(folder), ["Pulumi.test.yaml"]);
  });

  it("keeps its owner and group", function () {
    if (process.getuid?.() !== 0) this.skip();
    fs.chownSync(file, 12345, 54321);
    replaceUserFile(file, "after\n", "before\n");
    const { uid, gid } = fs.statSync(file);
    assert.deepEqual([uid, gid], [12345, 54321]);
  });

  it("is still a symbolic link after a change of its target", () => {
    const link = join(folder, "link.yaml");
    fs.symlinkSync("Pulumi.test.yaml", link);
    replaceUserFile(link, "after\n", "before\n");
    assert.equal(fs.readlinkSync(link), "Pulumi.test.yaml");
    assert.equal(fs.readFileSync(file, "utf8"), "after\n");
  });

  it("keeps its hard links", () => {
    fs.linkSync(file, join(folder, "other"));
    replaceUserFile(file, "a\n", "before\n");
    assert.equal(fs.readFileSync(join(folder, "other"), "utf8"), "a\n");
    assert.equal(fs.statSync(file).nlink, 2);
  });

  it("is left as it is when it is read-only", () => {
    fs.chmodSync(file, 0o444);
    assert.throws(
      () => {
        replaceUserFile(file, "after\n", "before\n");
      },
      refusal(/is read-only \(mode 0444\).*chmod u\+w/),
    );
    assert.equal(readUserFile(file), "before\n");
    assert.equal(fs.statSync(file).mode & 0o777, 0o444);
  });

  it("is not changed if another program has changed it meanwhile", () => {
    assert.throws(
      () => {
        replaceUserFile(file, "after\n", "long ago\n");
      },
      refusal(/was changed meanwhile/),
    );
    assert.equal(readUserFile(file), "before\n");
  });

  it("is refused when it is not UTF-8, with the line", () => {
    const texts: [Buffer, RegExp][] = [
      [Buffer.from("a: 1\n# caf\xe9\n", "latin1"), /not UTF-8 text at line 2 .*iconv -f LATIN1/],
      [Buffer.from("\ufeffa: 1\n", "utf16le"), /not UTF-8 text iconv|iconv -f UTF-16/],
    ];
    for (const [bytes, pattern] of texts) {
      fs.writeFileSync(file, bytes);
      assert.throws(() => readUserFile(file), refusal(pattern));
    }
  });

  it("keeps a byte order mark", () => {
    fs.writeFileSync(file, "\ufeffa: 1\n");
    replaceUserFile(file, `${readUserFile(file) ?? ""}b: 2\n`, "\ufeffa: 1\n");
    assert.equal(fs.readFileSync(file, "utf8"), "\ufeffa: 1\nb: 2\n");
  });

  it("is null if it does not exist, but a dangling link is a mistake", () => {
    assert.equal(readUserFile(join(folder, "none")), null);
    fs.symlinkSync("none", join(folder, "broken"));
    assert.throws(() => readUserFile(join(folder, "broken")), refusal(/is a link to nothing/));
  });
});
