/** The examples of docs/unattended.md: the line for cron, the units of systemd, and the query of jq. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programs } from "../support/programs";

const PAGE = readFileSync(join(__dirname, "../../docs/unattended.md"), "utf8");

/** The text of the code block of this kind that contains `part`. */
function example(kind: string, part: string): string {
  const blocks = [...PAGE.matchAll(/^```(\w+)\n([^]*?)^```$/gm)];
  const block = blocks.find(([, is, text = ""]) => is === kind && text.includes(part));
  assert.ok(block !== undefined, `no ${kind} with ${part}`);
  return block[2] ?? "";
}

describe("docs/unattended.md", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "wireguard-mesh-test-"));
    for (const folder of ["wireguard-mesh", ".wireguard-mesh", "bin"])
      mkdirSync(join(home, folder));
    writeFileSync(join(home, ".wireguard-mesh/environment"), "PULUMI_STACK=home\n");
  });
  afterEach(() => {
    rmSync(home, { recursive: true });
  });

  /** Runs a command with an npx that prints its arguments and folder, and exits with `code`. */
  function run(command: string, code: number): { stdout: string; stderr: string } {
    const npx = `#!/bin/sh\necho "$* in $PWD for $PULUMI_STACK"\nexit ${code}\n`;
    writeFileSync(join(home, "bin/npx"), npx, { mode: 0o755 });
    const env = { PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}` };
    return spawnSync("sh", ["-c", command], { env, encoding: "utf8" });
  }

  it("has a line for cron that prints only what is wrong", () => {
    const line = example("cron", "status").trim();
    const command = line.split(" ").slice(5).join(" ").replaceAll("/home/mesh", home);
    assert.deepEqual(run(command, 0).stdout, "");
    const output = `wireguard-mesh status in ${join(home, "wireguard-mesh")} for home\n`;
    assert.equal(run(command, 1).stdout, output);
    // cron(5) takes a percent sign for the end of the line.
    assert.ok(!line.includes("%"));
  });

  it("has units that systemd accepts", function () {
    programs.require(this, "systemd-analyze");
    const service = example("ini", "[Service]")
      .replaceAll("/home/mesh", home)
      .replace("/usr/bin/npx", "/bin/true");
    const units = { service, timer: example("ini", "[Timer]") };
    const files = Object.entries(units).map(([kind, text]) => {
      const file = join(home, `wireguard-mesh-status.${kind}`);
      writeFileSync(file, text);
      return file;
    });
    const checked = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], {
      encoding: "utf8",
    });
    const about = checked.stderr.split("\n").filter((line) => line.includes("wireguard-mesh"));
    assert.deepEqual(about, []);
  });

  it("has a query of jq that names the hosts that need attention", function () {
    programs.require(this, "jq");
    const [, query = ""] = /jq -r '(.*)'/.exec(example("sh", "jq -r")) ?? [];
    const node = (reachable: boolean | null, drift: string[] = []) => ({ reachable, drift });
    const nodes = {
      nas: node(true, ["mtu"]),
      phone: node(null),
      tokyo: node(true),
      vps: node(false),
    };
    const done = spawnSync("jq", ["-r", query], {
      input: JSON.stringify({ nodes }),
      encoding: "utf8",
    });
    assert.equal(done.stdout, "nas\nvps\n", done.stderr);
  });
});
