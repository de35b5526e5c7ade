/** The text of every issue: what is said of each wrong config, word by word. */
import assert from "node:assert/strict";
import { readMesh } from "../../../mesh/mesh";
import { proseIn, type Prose } from "../../support/prose";
import { TODAY } from "../../support/networks";
import { changed } from "../../support/small-network";
import { tables } from "./issue-rows/all-rows";

/** Where issues and mistakes are worded. */
const WORDED_IN = [
  "mesh/addresses.ts",
  "mesh/plan/plan-issues.ts",
  ...["field", "read-draft", "shape-issues", "shapes", "validate", "values"].map(config),
  ...[
    "ec2-shape",
    "rules-addresses",
    "rules-dialling",
    "rules-ec2",
    "rules-hosts",
    "rules-rotation",
    "rules-secrets",
  ].map(config),
];

describe("issues of a config", () => {
  it("are none for the network that all rows start from", () => {
    assert.deepEqual(readMesh(changed(), TODAY).issues, []);
  });

  for (const [table, rows] of Object.entries(tables)) {
    describe(table, () => {
      for (const { title, raw, issues } of rows) {
        it(title, () => {
          const expected = issues.map(([path, severity, message, remedy]) => {
            return { path, severity, message, remedy };
          });
          assert.deepEqual(readMesh(raw, TODAY).issues, expected);
        });
      }
    });
  }

  it("are all in the table: no wording in the code is without a row", () => {
    const rows = Object.values(tables).flat();
    const said = rows.flatMap((row) => row.issues.flatMap(([, , ...texts]) => texts)).join("\n");
    const unsaid = (prose: Prose) => !prose.pattern.test(said);
    const missing = WORDED_IN.flatMap(proseIn).filter(unsaid);
    assert.deepEqual(
      missing.map(({ place, text }) => `${place} ${text}`),
      [],
    );
  });
});

function config(name: string): string {
  return `mesh/config/${name}.ts`;
}
