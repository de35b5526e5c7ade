import assert from "node:assert/strict";
import { statSync, writeFileSync, chmodSync } from "node:fs";
import { join } from "node:path";
import { fingerprintOf } from "../../mesh/render/delivery";
import { readMesh } from "../../mesh/mesh";
import { renderRedacted } from "../../mesh/render/render";
import { readConfig } from "../../scripts/stack/stack-file";
import { configCommand } from "../../scripts/commands/config";
import { qrCommand } from "../../scripts/commands/qr";
import { LIGHT, readTerminal } from "../support/read-qr";
import { keyOf, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const CONFIG = "[Interface]\nPrivateKey = secret\nAddress = 10.86.0.4/24\n";

describe("config and qr", () => {
  const project = projectOfEachTest({
    "Pulumi.test.yaml": STACK_FILE,
    "bin/configs": JSON.stringify({ phone: CONFIG }),
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
    const [, onLight = ""] = stdout.split(/^.*background.*\n/m);
    assert.equal(readTerminal(onLight, LIGHT), CONFIG);
    const { qr } = JSON.parse((await run("qr", "phone", "--json")).stdout) as { qr: string };
    assert.equal(`${qr}\n`, onLight);
  });

  it("refuses to break the lines of a QR code on a narrow terminal, which delivers nothing", async () => {
    const { columns, isTTY, rows } = process.stdout;
    Object.assign(process.stdout, { columns: 40, rows: 10, isTTY: true });
    try {
      const narrow = await run("qr", "phone");
      assert.deepEqual([narrow.exitCode, narrow.stdout], [1, ""]);
      assert.match(
        narrow.stderr,
        /is 41 columns wide, and this terminal has 40\n.*--out phone\.png/,
      );
      assert.doesNotMatch(project.read("Pulumi.test.yaml"), /delivered/);
      process.stdout.columns = 41;
      const wide = await run("qr", "phone");
      assert.equal(wide.exitCode, 0);
      assert.match(wide.stderr, /has 21 lines, and this terminal 10/);
    } finally {
      Object.assign(process.stdout, { columns, isTTY, rows });
    }
  });

  it("writes a picture in the format of the file's extension", async () => {
    assert.equal((await run("qr", "phone", "--out", "phone.PNG")).exitCode, 0);
    assert.equal(modeOf("phone.PNG"), 0o600);
    assert.match(project.read("phone.PNG"), /PNG/);
    assert.equal((await run("qr", "phone", "-o", "phone.svg")).exitCode, 0);
    assert.match(project.read("phone.svg"), /^<svg /);
    const { exitCode, stderr } = await run("qr", "phone", "--out", "phone.jpg");
    assert.equal(exitCode, 2);
    assert.match(stderr, /\.png or \.svg/);
  });

  it("lists the other devices that still need a config, and which have theirs", async () => {
    const tablet = `    tablet:\n      address: 10.86.0.5\n      publicKey: ${keyOf("tablet")}\n`;
    const file = STACK_FILE.replace("  wireguard-mesh:privateKeys:", `${tablet}$&`);
    project.write("Pulumi.test.yaml", file.replace(/$/, "    tablet:\n      secure: v1:tablet\n"));
    const { plan } = readMesh(readConfig(project.read("Pulumi.test.yaml"), ""), 0);
    const phone = plan?.nodes.find(({ name }) => name === "phone");
    const text = plan && phone ? renderRedacted(phone, plan.network) : "";
    project.write("bin/configs", JSON.stringify({ phone: text, tablet: CONFIG }));
    const peers = { phone: { fingerprint: "one" }, tablet: { fingerprint: "other" } };
    project.write("bin/outputs", JSON.stringify({ peers }));
    const first = await run("config", "phone", "--out", "phone.conf");
    assert.equal(
      first.stderr,
      "These devices still need a new config:\n  npx wireguard-mesh qr tablet  # it was not given its config yet\n",
    );
    peers.phone.fingerprint = fingerprintOf(text);
    project.write("bin/outputs", JSON.stringify({ peers }));
    const list = await run("config");
    assert.equal(list.exitCode, 1);
    assert.equal(
      list.stdout,
      [
        "DEVICE  CONFIG     TO GIVE IT",
        "phone   current",
        "tablet  not given  npx wireguard-mesh qr tablet",
        "",
      ].join("\n"),
    );
    project.write("Pulumi.test.yaml", STACK_FILE);
    const json = await run("config", "--json");
    assert.equal(json.exitCode, 1);
    assert.deepEqual(JSON.parse(json.stdout), {
      ok: false,
      devices: [
        { node: "phone", config: "not given", why: [], command: "npx wireguard-mesh qr phone" },
      ],
    });
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
