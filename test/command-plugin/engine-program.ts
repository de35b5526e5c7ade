/** A Pulumi program of local.Commands for the real engine, in a temporary folder with its own state. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { program } from "./plugin-under-test";
import { end, processesWithVariable } from "./processes";

/** Name → arguments of a `local.Command`; `stdin` becomes a secret. */
export type Commands = Record<string, Record<string, unknown>>;

export interface EngineResult {
  code: number | null;
  /** stdout and stderr. */
  output: string;
}

export interface Running {
  finished: Promise<EngineResult>;
  /** Signals the engine's process group, like Ctrl-C in a terminal. Plugins have process groups of their own. */
  signal: (signal: NodeJS.Signals) => void;
}

/** A resource in the state. */
export interface RecordedResource {
  id: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

const source = `
const { local } = require("@pulumi/command");
const { secret } = require("@pulumi/pulumi");
for (const [name, args] of Object.entries(require("./commands.json"))) {
  const stdin = args.stdin === undefined ? undefined : secret(args.stdin);
  exports[name] = new local.Command(name, { ...args, stdin }).stdout;
}
`;

export class EngineProgram {
  private constructor(readonly folder: string) {}

  /** Creates the folder, program and stack. */
  static async create(): Promise<EngineProgram> {
    const created = new EngineProgram(fs.mkdtempSync(path.join(os.tmpdir(), "command-engine-")));
    created.write("Pulumi.yaml", "name: commands\nruntime: nodejs\n");
    created.write("index.js", source);
    created.write("package.json", '{ "main": "index.js" }\n');
    for (const name of ["state", "home"]) fs.mkdirSync(created.file(name), { mode: 0o700 });
    fs.symlinkSync(path.resolve(__dirname, "../../node_modules"), created.file("node_modules"));
    const home = process.env["PULUMI_HOME"] ?? path.join(os.homedir(), ".pulumi");
    fs.symlinkSync(path.resolve(home, "versions"), created.file("home/versions"));
    const { code, output } = await created.pulumi("stack", "init", "test");
    if (code !== 0) throw new Error(`pulumi stack init: ${output}`);
    return created;
  }

  /** Sets the program's resources. */
  declare(commands: Commands): void {
    this.write("commands.json", JSON.stringify(commands));
  }

  up(): Promise<EngineResult> {
    return this.startUp().finished;
  }

  startUp(): Running {
    return this.start("up", "--yes", "--skip-preview", "--continue-on-error", "--stack", "test");
  }

  pulumi(...args: string[]): Promise<EngineResult> {
    return this.start(...args).finished;
  }

  /** Starts the engine in its own process group, like a shell. */
  private start(...args: string[]): Running {
    const env = {
      ...process.env,
      PATH: [path.dirname(program), process.env["PATH"] ?? ""].join(path.delimiter),
      NO_COLOR: "1",
      PULUMI_HOME: this.file("home"),
      PULUMI_BACKEND_URL: `file://${this.file("state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    };
    const engine = spawn("pulumi", [...args, "--non-interactive"], {
      cwd: this.folder,
      detached: true,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [engine.stdout, engine.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const finished = new Promise<EngineResult>((resolve, reject) => {
      engine.once("error", reject);
      engine.once("close", (code) => {
        resolve({ code, output });
      });
    });
    const signal = (name: NodeJS.Signals): void => {
      if (engine.pid !== undefined) process.kill(-engine.pid, name);
    };
    return { finished, signal };
  }

  /** The recorded commands by name, and the text of the state file. */
  state(): { commands: Record<string, RecordedResource>; text: string } {
    const text = this.read("state/.pulumi/stacks/commands/test.json");
    const { checkpoint } = JSON.parse(text) as {
      checkpoint: { latest: { resources?: (RecordedResource & { urn: string })[] } };
    };
    const commands = (checkpoint.latest.resources ?? []).flatMap((resource) => {
      const [, , type = "", name = ""] = resource.urn.split("::");
      return type === "command:local:Command" ? [[name, resource] as const] : [];
    });
    return { commands: Object.fromEntries(commands), text };
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  read(name: string): string {
    return fs.existsSync(this.file(name)) ? fs.readFileSync(this.file(name), "utf8") : "";
  }

  /** Also kills the language host of a killed engine, which would otherwise run for minutes. */
  remove(): void {
    processesWithVariable(`PULUMI_HOME=${this.file("home")}`).forEach(end);
    fs.rmSync(this.folder, { recursive: true });
  }

  write(name: string, text: string): void {
    fs.writeFileSync(this.file(name), text);
  }
}
