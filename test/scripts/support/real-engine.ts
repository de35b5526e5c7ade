/** The real engine, where one is installed: what it reads from a stack file. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { programs } from "../../support/programs";

/** A project with a state of its own. */
export class RealEngine {
  private constructor(
    private readonly program: string,
    private readonly folder: string,
  ) {}

  /** Skips the test where there is no engine. */
  static open(test: Mocha.Context): RealEngine {
    const program = findProgram();
    if (program === null) programs.require(test, "pulumi");
    const folder = fs.mkdtempSync(join(tmpdir(), "wireguard-mesh-test-"));
    const engine = new RealEngine(program ?? "pulumi", folder);
    fs.writeFileSync(join(folder, "Pulumi.yaml"), "name: wireguard-mesh\nruntime: nodejs\n");
    engine.run("stack", "init", "test");
    return engine;
  }

  /** The config in the text of a stack file, by key with its namespace, as `pulumi config --json` prints it. */
  configOf(text: string): Record<string, unknown> {
    const file = join(this.folder, "Pulumi.other.yaml");
    fs.writeFileSync(file, text);
    const output = this.run("config", "--json", "--stack", "test", "--config-file", file);
    const entries = Object.entries(JSON.parse(output) as Record<string, Value>);
    return Object.fromEntries(entries.map(([key, one]) => [key, one.objectValue ?? one.value]));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  private run(...args: string[]): string {
    const env = {
      ...process.env,
      PULUMI_HOME: join(this.folder, "home"),
      PULUMI_BACKEND_URL: `file://${this.folder}`,
      PULUMI_CONFIG_PASSPHRASE: "x",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    return execFileSync(this.program, [...args, "--non-interactive"], {
      cwd: this.folder,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }
}

interface Value {
  value: string;
  objectValue?: unknown;
}

/** On PATH, else where npm's wrapper puts it. */
function findProgram(): string | null {
  const versions = join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "versions");
  const installed = fs.existsSync(versions) ? fs.readdirSync(versions) : [];
  const folders = [
    ...(process.env["PATH"] ?? "").split(":").filter((folder) => !folder.endsWith(".bin")),
    ...installed.map((version) => join(versions, version, "bin")),
  ];
  return (
    folders.map((folder) => join(folder, "pulumi")).find((file) => fs.existsSync(file)) ?? null
  );
}
