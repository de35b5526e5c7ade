import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");

describe("loading TypeScript without a build", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "load-typescript-"));
    mkdirSync(join(folder, "scripts"));
    mkdirSync(join(folder, "node_modules"));
    for (const file of ["scripts/load-typescript.cjs", "tsconfig.json", "package-lock.json"])
      cpSync(join(ROOT, file), join(folder, file));
    symlinkSync(join(ROOT, "node_modules/typescript"), join(folder, "node_modules/typescript"));
    write("main.ts", 'import { word } from "./word";\nconsole.log(word satisfies string);\n');
    write("word.ts", 'export const word: string = "first";\n');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
  };

  /** Without the compiler unless `compiler` is set, so that only what was kept can run. */
  function run(
    compiler: "with the compiler" | "without" = "with the compiler",
    program = "./main",
    more: string[] = [],
  ): string {
    if (compiler === "without") rmSync(join(folder, "node_modules/typescript"));
    const script = [`const program = require("${program}");`, ...more].join("\n");
    const argv = ["--require", "./scripts/load-typescript.cjs", "-e", script];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { cwd: folder, encoding: "utf8" });
    return stdout + stderr;
  }

  it("compiles nothing twice", () => {
    assert.equal(run(), "first\n");
    assert.equal(run("without"), "first\n");
  });

  it("compiles the whole program before a folder becomes read-only", () => {
    for (const name of ["components", "mesh"]) mkdirSync(join(folder, name));
    write("index.ts", 'import "./components/one";\n');
    write("components/one.ts", 'import { word } from "../mesh/word";\nconsole.log(word);\n');
    write("mesh/word.ts", 'export const word: string = "program";\n');
    const compile = spawnSync(process.execPath, ["scripts/load-typescript.cjs"], { cwd: folder });
    assert.equal(compile.status, 0);
    assert.equal(run("without", "./index"), "program\n");
  });

  it("sees every edit, also one that keeps size and time", () => {
    assert.equal(run(), "first\n");
    write("word.ts", 'export const word: string = "other";\n');
    assert.equal(run(), "other\n");
  });

  it("sees a change of the compiler's settings", () => {
    assert.equal(run(), "first\n");
    write("tsconfig.json", '{ "compilerOptions": { "module": "node20", "target": "es2024" } }\n');
    assert.match(run("without"), /Cannot find module 'typescript'/);
  });

  it("compiles again if a cached file is damaged", () => {
    assert.equal(run(), "first\n");
    const kept = join(folder, "node_modules/.cache/wireguard-mesh/word.ts.js");
    truncateSync(kept, statSync(kept).size - 1);
    assert.equal(run(), "first\n");
    assert.equal(run("without"), "first\n");
  });

  it("runs without a writable cache", () => {
    write("node_modules/.cache", "a file");
    assert.equal(run(), "first\n");
    assert.deepEqual(readdirSync(join(folder, "node_modules")), [".cache", "typescript"]);
  });

  it("names file and line of a mistake", () => {
    write("word.ts", "export const\n  word = = 1;\n");
    assert.match(run(), /SyntaxError: word\.ts:2: Expression expected/);
  });

  it("shows the lines of the source in a stack trace", () => {
    write(
      "word.ts",
      "interface Lines {\n  gone: true;\n}\nexport const word = fail();\nfunction fail(): string { throw new Error('here'); }\n",
    );
    const trace = run();
    for (const line of [4, 5])
      assert.ok(trace.includes(`${join(folder, "word.ts")}:${line}:`), trace);
  });

  it("writes a stack out only for the error that ends the program of the engine", () => {
    cpSync(join(ROOT, "scripts/program.cjs"), join(folder, "scripts/program.cjs"));
    symlinkSync(join(ROOT, "node_modules/@pulumi"), join(folder, "node_modules/@pulumi"));
    write(
      "index.ts",
      "interface Lines {\n  gone: true;\n}\nexport = async () => {\n  console.log(new Error('before').stack);\n  await null;\n  throw new Error('last');\n};\n",
    );
    const trace = run("with the compiler", "./scripts/program.cjs", [
      'process.on("unhandledRejection", (error) => console.log(error.stack));',
      "program();",
    ]);
    assert.ok(trace.startsWith("Error: before\nError: last\n    at "), trace);
    assert.ok(trace.includes(`${join(folder, "index.ts")}:7:`), trace);
  });
});
