/** The commands in messages work in a fresh clone, where `npm ci` has put commands only where npx finds them. */
import assert from "node:assert/strict";
import ts from "typescript";
import { placesOf, sourceFiles } from "../support/source-files";

describe("messages", () => {
  it("name the engine's commands with npx, so that they can be copied", () => {
    // Descriptions may name what a command runs: `pulumi up`.
    const bare = /(?<!npx )(?<![\w/.@-])pulumi (config|stack|cancel|whoami|login|destroy)\b/;
    const places = sourceFiles
      .filter(({ path }) =>
        /^(index\.ts|mesh\/|components\/|scripts\/(cli|commands|push|stack)\/)/.test(path),
      )
      .flatMap((file) => placesOf(file, (node) => isText(node) && bare.test(node.getText())));
    assert.deepEqual(places, []);
  });
});

function isText(node: ts.Node): boolean {
  return (
    ts.isStringLiteral(node) ||
    ts.isNoSubstitutionTemplateLiteral(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddle(node) ||
    ts.isTemplateTail(node)
  );
}
