/** The text of every issue: what is said of each wrong config, word by word. */
import assert from "node:assert/strict";
import { readMesh } from "../../../mesh/mesh";
import { TODAY } from "../../support/networks";
import { changed } from "../../support/small-network";
import { addressRows } from "./issue-rows/address-rows";
import { diallingRows } from "./issue-rows/dialling-rows";
import { hostRows } from "./issue-rows/host-rows";
import { planRows } from "./issue-rows/plan-rows";
import type { Row } from "./issue-rows/row";
import { secretRows } from "./issue-rows/secret-rows";
import { shapeRows } from "./issue-rows/shape-rows";
import { valueRows } from "./issue-rows/value-rows";

const tables: Record<string, Row[]> = {
  "single values": valueRows,
  "form and names": shapeRows,
  "addresses, LANs and public keys": addressRows,
  "who can dial whom": diallingRows,
  "ways onto a machine": hostRows,
  secrets: secretRows,
  "reachability and expectations": planRows,
};

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
});
