/** docs/json.md names every key of `status --json` and `plan --json`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readMesh } from "../../mesh/mesh";
import { planJson } from "../../scripts/commands/plan/plan-json";
import { statusReport } from "../../scripts/commands/status/status-report";
import { asPlanned, plan, plannedAs, reached } from "../scripts/support/planned-network";
import { TODAY } from "../support/networks";
import { changed, hostKey } from "../support/small-network";

const page = readFileSync(join(__dirname, "../../docs/json.md"), "utf8");
const sectionOf = (title: string) => page.split(/^## /m).find((it) => it.startsWith(title)) ?? "";

/** All keys in a value, without those of the maps by name. */
function keysIn(value: unknown, byName: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => keysIn(item, byName));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const entries: unknown = byName.includes(key) ? Object.values(inner as object) : inner;
    return [key, ...keysIn(entries, byName)];
  });
}

function undocumented(keys: readonly string[], section: string): string[] {
  return [...new Set(keys)].filter((key) => !section.includes(`\`${key}\``));
}

describe("docs/json.md", () => {
  it("names every key of a report of status", () => {
    const answers = new Map([
      ["tokyo", reached(asPlanned(plan, "tokyo"))],
      ["nas", { reachable: false, cause: "off" } as const],
    ]);
    const report = statusReport(plan.nodes, plannedAs(plan), answers);
    const keys = keysIn(report, ["nodes"]);
    assert.ok(keys.includes("listenPort") && keys.includes("cause"));
    assert.deepEqual(undocumented(keys, sectionOf("status")), []);
  });

  it("names every key of plan", () => {
    const config = changed({
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: { laptop: { expires: "2026-12-01" } },
      policy: [{ from: "laptop", to: "desktop" }],
    });
    const json = planJson(readMesh(config, TODAY), true);
    const { links, reach, ...rest } = json;
    const keys = ["links", "reach", ...keysIn(rest, ["nodes", "configs", "filters"])];
    assert.ok(links.length > 0 && (reach ?? []).length > 0 && keys.includes("filters"));
    assert.ok(keys.includes("remedy"));
    assert.deepEqual(undocumented(keys, sectionOf("plan")), []);
  });
});
