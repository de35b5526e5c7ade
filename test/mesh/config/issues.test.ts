/** The exact text of every issue. */
import assert from "node:assert/strict";
import { isAboutActivity } from "../../../mesh/config/activity";
import { readMesh } from "../../../mesh/mesh";
import { proseIn, type Prose } from "../../support/prose";
import { TODAY } from "../../support/networks";
import { changed } from "../../support/small-network";
import { tables } from "./issue-rows/all-rows";

/** Files with the texts of issues. */
const FILES = [
  "mesh/addresses.ts",
  "mesh/plan/plan-issues.ts",
  ...[
    "activity",
    "field",
    "policy-shape",
    "ports",
    "read-draft",
    "shape-issues",
    "shapes",
    "validate",
    "values",
  ].map(config),
  ...[
    "ec2-shape",
    "rules-addresses",
    "rules-dialling",
    "rules-ec2",
    "rules-exits",
    "rules-hosts",
    "rules-mapped-lans",
    "rules-policy",
    "rules-preshared-keys",
    "rules-ranges",
    "rules-rotation",
    "rules-secrets",
  ].map(config),
];

describe("issues of a config", () => {
  it("are none for the small network", () => {
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

  it("about nodes that are left out, or soon will be, are recognized for status", () => {
    const about = Object.values(tables).flatMap((rows) =>
      rows.flatMap(({ raw }) => readMesh(raw, TODAY).issues.filter(isAboutActivity)),
    );
    const pattern = /^is (false|within a day|in \d+ days?)|^passed at /;
    assert.ok(about.length >= 10 && about.every(({ message }) => pattern.test(message)));
  });

  it("are all in the tables: every text in the code has a row", () => {
    const rows = Object.values(tables).flat();
    const shown = rows.flatMap((row) => row.issues.flatMap(([, , ...texts]) => texts)).join("\n");
    const untested = (prose: Prose) => !prose.pattern.test(shown);
    const missing = FILES.flatMap(proseIn).filter(untested);
    assert.deepEqual(
      missing.map(({ place, text }) => `${place} ${text}`),
      [],
    );
  });
});

function config(name: string): string {
  return `mesh/config/${name}.ts`;
}
