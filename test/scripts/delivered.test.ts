/** `config`, `qr` and `hand-over` record a delivery when the config has arrived somewhere, and never replace a device. */
import assert from "node:assert/strict";
import { spawnSync, type StdioOptions } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { configCommand } from "../../scripts/commands/config";
import { handOverCommand } from "../../scripts/commands/hand-over";
import { qrCommand } from "../../scripts/commands/qr";
import { STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.test.yaml";
const CONFIG = "[Interface]\nPrivateKey = secret\nAddress = 10.86.0.4/24\n";
const PROGRAM = join(__dirname, "../../dist/scripts/wireguard-mesh.js");

/** A device of the test's own where it could be replaced: a mistake in the code must not cost the machine its /dev/null. */
function nullDeviceIn(folder: string): string {
  if (process.getuid?.() !== 0) return "/dev/null";
  assert.equal(spawnSync("mknod", [join(folder, "null"), "c", "1", "3"]).status, 0);
  return "null";
}

describe("a delivery", () => {
  const project = projectOfEachTest({
    [FILE]: STACK_FILE,
    "bin/configs": JSON.stringify({ phone: CONFIG }),
  });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([configCommand(), qrCommand(), handOverCommand()], ...args);
  const isRecorded = () => project.read(FILE).includes("wireguard-mesh:delivered:");

  /** The compiled command, with stdout as the shell would open it. */
  const inShell = (command: string, stdio: StdioOptions = "pipe") =>
    spawnSync("sh", ["-c", `node "$PROGRAM" ${command}`], {
      cwd: project.root,
      encoding: "utf8",
      stdio,
      env: {
        ...process.env,
        PROGRAM,
        PATH: `${join(project.root, "bin")}:${process.env["PATH"] ?? ""}`,
        PULUMI_HOME: project.root,
        PULUMI_STACK: "test",
        NO_COLOR: "1",
      },
    });

  it("is recorded when the config is on stdout, in a file or in a picture", async () => {
    for (const args of [
      ["config", "phone"],
      ["config", "phone", "--out", "-"],
      ["config", "phone", "--out", "phone.conf"],
      ["qr", "phone"],
      ["qr", "phone", "--png", "phone.png"],
      ["qr", "phone", "--out", "phone.svg"],
      ["hand-over", "phone"],
      ["hand-over", "phone", "--out", "-"],
    ]) {
      project.write(FILE, STACK_FILE);
      assert.equal((await run(...args)).exitCode, 0);
      assert.ok(isRecorded(), args.join(" "));
    }
    assert.ok(!fs.existsSync(join(project.root, "-")));
  });

  it("is not recorded when the file cannot be written", async () => {
    fs.mkdirSync(join(project.root, "folder"));
    const device = nullDeviceIn(project.root);
    for (const args of [
      ["config", "phone", "--out", "no/such/folder"],
      ["config", "phone", "--out", "folder"],
      ["qr", "phone", "--svg", "no/such/folder"],
      ["hand-over", "phone", "--out", "no/such/folder"],
      ["config", "phone", "--out", device],
    ]) {
      const { exitCode, stderr } = await run(...args);
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /could not be written|is not a file/);
      assert.ok(!isRecorded(), args.join(" "));
    }
  });

  it("is not recorded, and fails, when stdout is closed, full or without a reader", function () {
    if (!fs.existsSync("/dev/full")) this.skip();
    for (const command of [
      "config phone >&-",
      "config phone >/dev/full",
      "config phone >/dev/null",
      "config phone --json >&-",
      "qr phone >/dev/full",
      "hand-over phone --out - >/dev/full",
    ]) {
      const { status, stderr } = inShell(command);
      assert.equal(status, 1, command);
      assert.match(stderr, /could not be written to stdout/);
      assert.ok(!isRecorded(), command);
    }
    const { stderr } = inShell("config phone | true; wait");
    assert.match(stderr, /could not be written to stdout/);
    assert.ok(!isRecorded());
  }).timeout(60_000);

  it("is not recorded for a config that no QR code can hold, and the remedy is a file", async () => {
    project.write("bin/configs", JSON.stringify({ phone: CONFIG + "DNS = ::1\n".repeat(400) }));
    const { exitCode, stderr, stdout } = await run("qr", "phone", "--png", "phone.png");
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /larger than a QR code.*\n.*config phone --out phone\.conf/);
    assert.ok(!isRecorded());
    assert.ok(!fs.existsSync(join(project.root, "phone.png")));
  });

  it("that cannot be recorded is reported as a failure", async () => {
    fs.chmodSync(join(project.root, FILE), 0o444);
    const { exitCode, stderr } = await run("config", "phone", "--out", "phone.conf");
    assert.equal(exitCode, 1);
    assert.match(stderr, /the config was written, but not recorded as delivered: .* is read-only/);
    assert.equal(project.read("phone.conf"), CONFIG);
  });

  it("is written into a device or a pipe without replacing it", () => {
    const pipe = join(project.root, "pipe");
    // A mistake in the code cannot replace this one, as it could /dev/stdout.
    assert.equal(inShell(`config phone --out /proc/self/fd/1`).stdout, CONFIG);
    spawnSync("mkfifo", [pipe]);
    const { stdout } = inShell(`config phone --out pipe >out & cat pipe; wait`);
    assert.equal(stdout, CONFIG);
    assert.ok(fs.statSync(pipe).isFIFO());
    assert.ok(isRecorded());
  }).timeout(20_000);

  it("to a symbolic link replaces the target of the link", async () => {
    fs.mkdirSync(join(project.root, "there"));
    fs.symlinkSync("there/phone.conf", join(project.root, "phone.conf"));
    project.write("there/phone.conf", "old");
    assert.equal((await run("config", "phone", "--out", "phone.conf")).exitCode, 0);
    assert.ok(fs.lstatSync(join(project.root, "phone.conf")).isSymbolicLink());
    assert.equal(project.read("there/phone.conf"), CONFIG);
    assert.equal(fs.statSync(join(project.root, "there/phone.conf")).mode & 0o777, 0o600);
  });

  it("on stdout is limited to one of JSON and pictures", async () => {
    for (const args of [
      ["qr", "phone", "--png", "-", "--json"],
      ["hand-over", "phone", "--out", "-", "--json"],
      ["qr", "phone", "--png", "-", "--svg", "/proc/self/fd/1"],
    ]) {
      const { exitCode, stdout } = await run(...args);
      assert.equal(exitCode, 2);
      assert.doesNotMatch(stdout, /<svg|PNG|<html/);
      assert.ok(!isRecorded());
    }
    assert.match((await run("qr", "phone", "--svg", "-")).stdout, /^<svg [^]*<\/svg>\n$/);
  });
});

describe("every command", () => {
  it("fails when stdout is full, and does not when its reader ends early", function () {
    if (!fs.existsSync("/dev/full")) this.skip();
    const file = join(__dirname, "fixtures/stackfiles/comments.yaml");
    for (const command of [`plan --file ${file}`, "--help", "plan --help"]) {
      const full = spawnSync("sh", ["-c", `node "$0" ${command} >/dev/full`, PROGRAM], {
        encoding: "utf8",
      });
      assert.equal(full.status, 1, command);
      assert.match(full.stderr, /could not be written to stdout: .*ENOSPC/);
    }
    const ended = spawnSync(
      "bash",
      ["-c", `node "$0" plan --file "$1" | true; exit $PIPESTATUS`, PROGRAM, file],
      { encoding: "utf8" },
    );
    assert.deepEqual([ended.status, ended.stderr], [0, ""]);
  }).timeout(20_000);
});
