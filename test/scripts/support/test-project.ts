/** A project in a temporary folder for tests of the commands, with a fake of the engine's CLI on PATH. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import type { Command } from "commander";
import { runProgram } from "../../../scripts/cli/program";

export interface TestProject {
  root: string;
  /** Runs a command in the project's folder, in this process. */
  run(commands: Command[], ...args: string[]): Promise<Outcome>;
  read(file: string): string;
  write(file: string, text: string): void;
  /** The calls of the fake engine. */
  engineCalls(): EngineCall[];
  remove(): void;
}

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
}

interface EngineCall {
  argv: string[];
  stdin: string;
  /** The environment as text, to search it for secrets. */
  environment: string;
}

/**
 * A FAKE of `pulumi`: it records its calls and "encrypts" by counting. It shows how the commands call the engine; the lab
 * runs the real one. Files next to it are its answers: `outputs`, `configs`, `outputs-after` (an up), `events`, `exit`, ...
 */
const ENGINE = `#!${process.execPath}
const fs = require("node:fs");
const argv = process.argv.slice(2);
const home = __dirname;
const stdin = fs.readFileSync(0, "utf8");
fs.appendFileSync(home + "/calls", JSON.stringify({ argv, stdin, environment: JSON.stringify(process.env) }) + "\\n");
const after = (flag) => argv[argv.indexOf(flag) + 1];
const has = (...words) => words.every((word, at) => argv[at] === word);
const answer = (name) => fs.existsSync(home + "/" + name) ? fs.readFileSync(home + "/" + name, "utf8") : null;
const reads = has("up") || has("preview") || has("stack", "output") || has("stack", "export");
if (reads && answer(".pulumi/stacks/wireguard-mesh/test.json.attrs") === "") {
  console.error("error: failed to load checkpoint: EOF");
  process.exit(1);
}
if (has("config", "set")) {
  if (answer("refuse") !== null) { console.error("error: incorrect passphrase"); process.exit(1); }
  const file = after("--config-file");
  const key = argv.find((word) => word.startsWith("wireguard-mesh:"));
  const count = fs.readFileSync(home + "/calls", "utf8").split("\\n").length;
  const entry = "config:\\n  " + key + ":\\n    secure: v1:sealed:" + count;
  const text = fs.readFileSync(file, "utf8").replace(/^config:.*$/m, entry);
  fs.writeFileSync(file, text.includes("encryptionsalt") ? text : "encryptionsalt: v1:salt\\n" + text);
} else if (has("stack", "ls")) console.log(answer("stacks") ?? "[]");
else if (has("stack", "init")) fs.writeFileSync("Pulumi." + argv[2] + ".yaml", "encryptionsalt: v1:made\\n");
else if (has("stack", "output")) {
  const shown = argv.includes("--show-secrets") ? JSON.parse(answer("configs") ?? "{}") : "[secret]";
  const configs = answer("configs") === null ? {} : { configs: shown };
  console.log(JSON.stringify({ ...JSON.parse(answer("outputs") ?? "{}"), ...configs }));
} else if (has("stack", "export")) console.log(answer("state") ?? "{}");
else if (has("whoami")) console.log(JSON.stringify({ url: "file://" + home }));
else if (has("preview")) {
  fs.writeFileSync(after("--event-log"), answer("preview-events") ?? "");
  if (answer("preview-tree") !== null) console.log(answer("preview-tree"));
  if (answer("preview-error") !== null) { console.error("error: " + answer("preview-error")); process.exit(255); }
} else if (has("up")) {
  if (answer(".pulumi/locks/organization/wireguard-mesh/test/id.json") !== null) process.exit(255);
  if (answer("outputs-after") !== null) fs.writeFileSync(home + "/outputs", answer("outputs-after"));
  fs.writeFileSync(after("--event-log"), answer("events") ?? "");
  process.exit(Number(answer("exit") ?? 0));
}
`;

/** Creates a new project, with these files, for each test of the calling `describe`; until the first test it is empty. */
export function projectOfEachTest(files: Record<string, string> = {}): TestProject {
  const project = {} as TestProject;
  beforeEach(() => {
    Object.assign(project, makeTestProject());
    for (const [file, text] of Object.entries(files)) project.write(file, text);
  });
  afterEach(() => {
    project.remove();
  });
  return project;
}

export function makeTestProject(): TestProject {
  const root = mkdtempSync(join(tmpdir(), "wireguard-mesh-test-"));
  writeFileSync(join(root, "Pulumi.yaml"), "name: wireguard-mesh\nruntime: nodejs\n");
  mkdirSync(join(root, "bin"));
  writeFileSync(join(root, "bin/pulumi"), ENGINE);
  chmodSync(join(root, "bin/pulumi"), 0o755);
  const read = (file: string) => readFileSync(join(root, file), "utf8");
  return {
    root,
    read,
    run: (commands, ...args) => runIn(root, commands, args),
    write: (file, text) => {
      writeFileSync(join(root, file), text);
    },
    engineCalls: () =>
      existsSync(join(root, "bin/calls"))
        ? read("bin/calls")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as EngineCall)
        : [],
    remove: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Captures the command's output; restores the process's folder, environment and exit code afterwards. */
async function runIn(root: string, commands: Command[], args: string[]): Promise<Outcome> {
  const { PATH, PULUMI_STACK, PULUMI_HOME, NO_COLOR } = process.env;
  const [folder, exitCode] = [process.cwd(), process.exitCode];
  const output = { stdout: "", stderr: "" };
  const capture =
    (stream: "stdout" | "stderr") => (chunk: string | Uint8Array, done?: () => void) => {
      output[stream] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      done?.();
      return true;
    };
  process.chdir(root);
  const env = {
    PATH: `${join(root, "bin")}:${PATH ?? ""}`,
    PULUMI_STACK: "test",
    PULUMI_HOME: root,
  };
  Object.assign(process.env, env, { NO_COLOR: "1" });
  const streams = [
    mock.method(process.stdout, "write", capture("stdout")),
    mock.method(process.stderr, "write", capture("stderr")),
  ];
  try {
    return { exitCode: await runProgram(commands, args), ...output };
  } finally {
    for (const stream of streams) stream.mock.restore();
    process.exitCode = exitCode;
    process.chdir(folder);
    for (const [key, value] of Object.entries({ PATH, PULUMI_STACK, PULUMI_HOME, NO_COLOR })) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
  }
}
