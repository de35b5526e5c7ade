/** Finds the engine among the ancestors of a push, and detects orphaned pushes. */
import * as assert from "node:assert/strict";
import {
  parseStat,
  processChain,
  processTable,
  startedBy,
  type ProcessEntry,
} from "../../scripts/push/ancestors";

/** Process entries with these names, from the parent upwards. */
function chainOf(...names: string[]): ProcessEntry[] {
  return names.map((name, index) => ({ pid: 100 - index, parent: 99 - index, names: [name] }));
}

describe("the ancestors of a push", () => {
  const cases: [string, string[], ReturnType<typeof startedBy>][] = [
    ["by the engine", ["pulumi-resource-command", "pulumi", "bash"], "engine"],
    ["by an engine with a cut-off plugin name", ["pulumi-resource", "pulumi", "npm"], "engine"],
    ["by a wrapped engine", ["pulumi-resource-command", ".pulumi-wrapped"], "engine"],
    ["by a plugin in a wrapper", ["sh", "pulumi-resource-command", "sh", "pulumi"], "engine"],
    ["by a plugin whose engine is gone", ["pulumi-resource-command", "systemd"], "orphaned"],
    [
      "by a plugin below a language host",
      ["pulumi-resource-command", "pulumi-language-nodejs"],
      "orphaned",
    ],
    ["by hand", ["bash", "sshd", "systemd"], "alone"],
    ["by a command that runs below an engine", ["node", "bash", "pulumi"], "alone"],
  ];
  for (const [what, names, expected] of cases) {
    it(`mean ${expected} for a push started ${what}`, () => {
      assert.equal(startedBy(chainOf(...names)), expected);
    });
  }
});

describe("the chain of processes", () => {
  it("goes up to the first process and ends at one that cannot be read", () => {
    const entries = new Map(chainOf("a", "b", "c").map((entry) => [entry.pid, entry]));
    const chain = processChain(100, (pid) => entries.get(pid));
    assert.deepEqual(
      chain.map((entry) => entry.names[0]),
      ["a", "b", "c"],
    );
  });

  it("ends after 64 processes if there is a cycle", () => {
    const chain = processChain(7, (pid) => ({ pid, parent: 7, names: [] }));
    assert.ok(chain.length <= 64);
  });

  it("contains this process and its parent", () => {
    const chain = processChain(process.pid, processTable());
    assert.equal(chain[0]?.parent, process.ppid);
    assert.ok(chain[0].names.length > 0);
  });

  it("reads short names with brackets and spaces in them", () => {
    const stat = "42 (a) b (c)) S 17 42 42 0 -1 4194304";
    assert.deepEqual(parseStat(42, stat, ["/usr/bin/node", "/x/main.js"]), {
      pid: 42,
      parent: 17,
      names: ["a) b (c)", "node", "main.js"],
    });
    assert.equal(parseStat(42, "", []), undefined);
  });
});
