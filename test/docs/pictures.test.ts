/** docs/pictures is what `npm run pictures` draws. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { mermaidOf } from "../../mesh/graph/mermaid";
import { pictureOf } from "../../mesh/graph/picture";
import { topologyOf } from "../../mesh/graph/topology";
import { readMesh } from "../../mesh/mesh";
import { EXAMPLES } from "../../scripts/pictures/networks";
import { pictures } from "../../scripts/pictures/pictures";

const FOLDER = path.join(__dirname, "../../docs/pictures");

describe("docs/pictures", () => {
  it("is up to date; if not: npm run pictures", async () => {
    const drawn = await pictures();
    assert.deepEqual(fs.readdirSync(FOLDER).sort(), [...drawn.keys()].sort());
    for (const [file, svg] of drawn)
      assert.equal(fs.readFileSync(path.join(FOLDER, file), "utf8"), svg, file);
  });
});

describe("docs/graph.md", () => {
  it("shows what the command prints for the smallest example", () => {
    const page = fs.readFileSync(path.join(__dirname, "../../docs/graph.md"), "utf8");
    const { plan } = readMesh(EXAMPLES["3-nodes"]?.config ?? {}, 0);
    assert.ok(plan !== null);
    const text = mermaidOf(pictureOf(topologyOf(plan)));
    assert.ok(page.includes(`\`\`\`mermaid\n${text}\`\`\`\n`), text);
  });
});
