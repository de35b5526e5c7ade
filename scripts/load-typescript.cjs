// Loads .ts files without a build step: `node --require ./scripts/load-typescript.cjs`. Each file is compiled once and kept
// in node_modules/.cache under the digest of its text, so an edit is seen at the next run and nothing is compiled twice.
// Types are not checked here; `npm run typecheck` does that.
"use strict";

const { createHash } = require("node:crypto");
const { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { dirname, join, relative } = require("node:path");
const Module = require("node:module");

const root = dirname(__dirname);
const cache = join(root, "node_modules/.cache/wireguard-mesh");

/** What else the compiled text depends on. */
const settings = [
  readFileSync(join(root, "tsconfig.json"), "utf8"),
  readFileSync(join(root, "package-lock.json"), "utf8").match(
    /"node_modules\/typescript": \{[^}]*\}/,
  )?.[0],
].join("\n");

module.exports = { compiled };
if (require.main === module) compileProgram();
process.setSourceMapsEnabled(true);
Module._extensions[".ts"] = (module, file) => {
  module._compile(compiled(file), file);
};

/** `node scripts/load-typescript.cjs`, for a folder that is read-only later, as that of the lab's operator. */
function compileProgram() {
  const below = (folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, path));
  for (const path of ["index.ts", ...below("components"), ...below("mesh")]) {
    const file = join(root, path);
    if (file.endsWith(".ts")) compiled(file);
  }
}

/** With an inline source map. @param {string} file */
function compiled(file) {
  const source = readFileSync(file, "utf8");
  // At the end, so that it is missing in a file that was cut short.
  const mark = `\n// ${createHash("sha256").update(settings).update(source).digest("hex")}\n`;
  const path = join(cache, `${relative(root, file)}.js`);
  const kept = read(path);
  if (kept.endsWith(mark)) return kept;
  const text = compile(file, source) + mark;
  write(path, text);
  return text;
}

/** @param {string} file @param {string} source */
function compile(file, source) {
  // Loaded here because it takes longer than all the rest.
  const ts = require("typescript");
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const { outputText, diagnostics = [] } = ts.transpileModule(source, {
    fileName: file,
    compilerOptions: { ...options, outDir: undefined, inlineSourceMap: true },
    reportDiagnostics: true,
  });
  if (diagnostics.length === 0) return outputText;
  const words = diagnostics.map((found) => {
    const { line } = ts.getLineAndCharacterOfPosition(found.file, found.start);
    return `${relative(root, file)}:${line + 1}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`;
  });
  throw new SyntaxError(words.join("\n"));
}

/** Empty if it cannot be read. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Complete or not at all, since several programs may start at once; not in a folder that is read-only. @param {string} path @param {string} text */
function write(path, text) {
  const draft = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(draft, text);
    renameSync(draft, path);
  } catch {
    // Compiled again at the next run.
  }
}
