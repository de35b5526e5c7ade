/** The project's own source files and their imports. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

const ROOT = path.join(__dirname, "../..");

export interface SourceFile {
  /** Path from the root of the project: `mesh/plan/plan.ts`. */
  path: string;
  text: string;
  /** Packages as written, own files as paths from the root. */
  imports: string[];
}

/** All own .ts and .mjs files. */
export const sourceFiles: readonly SourceFile[] = [
  "index.ts",
  ...["mesh", "components", "scripts", "test"].flatMap(filesIn),
].map(readSource);

/** The places of the matching syntax nodes, as `path:line`. */
export function placesOf(file: SourceFile, matches: (node: ts.Node) => boolean): string[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2022, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart());
    if (matches(node)) found.push(`${file.path}:${line + 1}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)));
}

function readSource(file: string): SourceFile {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  const imported = ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName);
  return { path: file, text, imports: imported.map((name) => resolve(file, name)) };
}

/** `./values` of `mesh/config/field.ts` is `mesh/config/values.ts`. */
function resolve(from: string, imported: string): string {
  if (!imported.startsWith(".")) return imported;
  const target = path.join(path.dirname(from), imported);
  return /\.(ts|mjs|js|json)$/.test(target) ? target : `${target}.ts`;
}
