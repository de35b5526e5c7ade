/** The user-visible texts in a source file, found with the TypeScript parser. */
import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

export interface Prose {
  /** `mesh/config/values.ts:12` */
  place: string;
  /** As written. */
  text: string;
  /** Matches the text with any values in the placeholders of a template. */
  pattern: RegExp;
}

const ROOT = path.join(__dirname, "../..");

/** Texts of more than one word, without those of internal errors (`new Error`) and of the reference of keys (`meta`). */
export function proseIn(file: string): Prose[] {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Prose[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText() === "Error") return;
    if (ts.isCallExpression(node) && isMeta(node)) {
      visit(node.expression);
      return;
    }
    const pattern = patternOf(node);
    if (pattern !== null && pattern.source.includes(" ")) {
      const line = source.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      found.push({ place: `${file}:${line}`, text: node.getText(), pattern });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isMeta({ expression }: ts.CallExpression): boolean {
  return ts.isPropertyAccessExpression(expression) && expression.name.text === "meta";
}

function patternOf(node: ts.Node): RegExp | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
    return new RegExp(escaped(node.text));
  }
  if (!ts.isTemplateExpression(node)) return null;
  const tails = node.templateSpans.map((span) => escaped(span.literal.text));
  return new RegExp([escaped(node.head.text), ...tails].join(".*"));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
