import assert from "node:assert/strict";
import { statSync, writeFileSync, chmodSync } from "node:fs";
import { join } from "node:path";
import { configCommand } from "../../scripts/commands/config";
import { qrCommand } from "../../scripts/commands/qr";
import { STACK_FILE } from "./support/network";
import { makeTestProject, type Outcome, type TestProject } from "./support/test-project";

const CONFIG = "[Interface]\nPrivateKey = secret\nAddress = 10.86.0.4/24\n";

describe("config and qr", () => {
  let project: TestProject;

  beforeEach(() => {
    project = makeTestProject();
    project.write("Pulumi.test.yaml", STACK_FILE);
    project.write("bin/configs", JSON.stringify({ phone: CONFIG }));
  });

  afterEach(() => {
    project.remove();
  });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([configCommand(), qrCommand()], ...args);
  const modeOf = (file: string) => statSync(join(project.root, file)).mode & 0o777;

  it("prints exactly the file on stdout", async () => {
    assert.deepEqual(await run("config", "phone"), { exitCode: 0, stdout: CONFIG, stderr: "" });
    assert.deepEqual(JSON.parse((await run("config", "phone", "--json")).stdout), {
      node: "phone",
      custody: "config",
      config: CONFIG,
    });
  });

  it("writes files that only their owner may read, also over a file that everyone could read", async () => {
    for (const file of ["phone.conf", "phone.png", "phone.svg"]) {
      writeFileSync(join(project.root, file), "");
      chmodSync(join(project.root, file), 0o644);
    }
    const { stdout } = await run("config", "phone", "--out", "phone.conf");
    assert.doesNotMatch(stdout, /secret\n/);
    await run("qr", "phone", "--png", "phone.png", "--svg", "phone.svg");
    for (const file of ["phone.conf", "phone.png", "phone.svg"]) assert.equal(modeOf(file), 0o600);
    assert.equal(project.read("phone.conf"), CONFIG);
    assert.match(project.read("phone.svg"), /^<svg /);
  });

  it("fails with one message when the engine does not return the configs", async () => {
    project.write("bin/configs", "not JSON");
    const { exitCode, stderr } = await run("config", "phone");
    assert.equal(exitCode, 1);
    assert.equal(stderr.split("pulumi did not return the stack's outputs").length, 2);
  });

  it("shows a QR code on the terminal", async () => {
    const { exitCode, stdout } = await run("qr", "phone");
    assert.equal(exitCode, 0);
    assert.match(stdout, /^[ █▀▄\n]+$/);
  });

  it("refuses a node with a host, an unknown node, and one without a config yet", async () => {
    project.write("bin/configs", "{}");
    const cases: [string, RegExp, number][] = [
      ["laptop", /laptop has a host/, 1],
      ["fone", /the network has no node "fone"/, 2],
      ["phone", /no config for phone yet\n {2}run: npx wireguard-mesh up/, 1],
    ];
    for (const [node, message, code] of cases) {
      for (const command of ["config", "qr"]) {
        const { exitCode, stdout, stderr } = await run(command, node);
        assert.deepEqual([exitCode, stdout], [code, ""]);
        assert.match(stderr, message);
      }
    }
  });

  it("prints the config of a device with its own key with a line for the key, and not as a QR code", async () => {
    project.write(
      "Pulumi.test.yaml",
      STACK_FILE.replace("    phone:\n      secure: v1:phone\n", ""),
    );
    const { exitCode, stderr } = await run("config", "phone");
    assert.equal(exitCode, 0);
    assert.match(stderr, /replace the line "# PrivateKey" with it/);
    const code = await run("qr", "phone");
    assert.equal(code.exitCode, 1);
    assert.match(code.stderr, /npx wireguard-mesh config phone/);
  });
});
