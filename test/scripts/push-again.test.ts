import assert from "node:assert/strict";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { PushError } from "../../scripts/push/push-error";
import { parseState, pushAgain, type RecordedPush } from "../../scripts/stack/push-again";

/** A secret in the output of `pulumi stack export --show-secrets`. */
const sealed = (value: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

const resource = (node: string, digest: string, more: object = {}) => ({
  type: "command:local:Command",
  inputs: { stdin: sealed(JSON.stringify({ node, version: 1 })) },
  outputs: { stdout: JSON.stringify({ node, digest }) },
  ...more,
});

describe("parseState", () => {
  it("returns the last push of each host that the state still has", () => {
    const resources = [
      { type: "pulumi:pulumi:Stack" },
      resource("desktop", "d1"),
      resource("laptop", "old machine", { delete: true }),
      resource("laptop", "d2"),
      { type: "command:local:Command", inputs: {}, outputs: {} },
    ];
    const pushes = parseState(JSON.stringify({ version: 3, deployment: { resources } }));
    assert.deepEqual(
      [...pushes.values()].map(({ node, digest, request }) => [node, digest, request.reveal()]),
      [
        ["desktop", "d1", '{"node":"desktop","version":1}'],
        ["laptop", "d2", '{"node":"laptop","version":1}'],
      ],
    );
    assert.equal(String(pushes.get("desktop")?.request), "(hidden)");
  });

  it("returns none where there is no state yet", () => {
    assert.equal(parseState('{"version":3,"deployment":{}}').size, 0);
    assert.equal(parseState("no JSON").size, 0);
  });
});

describe("pushAgain", () => {
  const push = (node: string): RecordedPush => ({
    node,
    request: Secret.of(JSON.stringify({ node })),
    digest: `digest of ${node}`,
  });
  const applied: string[] = [];
  const pushing = (confirmed: (node: string) => string | null) => ({
    confirmed: ({ node }: PushRequest) => Promise.resolve(confirmed(node)),
    apply: (request: string) => {
      const { node } = JSON.parse(request) as PushRequest;
      applied.push(node);
      if (node === "dead") return Promise.reject(new PushError("dead: cannot be reached"));
      const result = { node, outcome: "applied", through: "root@h" };
      return Promise.resolve(result as PushResult);
    },
  });
  beforeEach(() => applied.splice(0));

  it("pushes round after round, and one failure stops no other push", async () => {
    const rounds = [[push("relay")], [push("dead"), push("desktop")]];
    const done = await pushAgain(
      rounds,
      pushing((node) => `digest of ${node}`),
    );
    assert.deepEqual(applied, ["relay", "dead", "desktop"]);
    assert.deepEqual(
      done.map(({ node, outcome, reason }) => [node, outcome, reason]),
      [
        ["relay", "applied", null],
        ["dead", "failed", "cannot be reached"],
        ["desktop", "applied", null],
      ],
    );
  });

  it("sends nothing to a host that has confirmed another config since", async () => {
    const [done] = await pushAgain(
      [[push("desktop")]],
      pushing(() => "newer"),
    );
    assert.deepEqual(applied, []);
    assert.equal(done?.outcome, "failed");
    assert.match(done.reason ?? "", /another config than this stack's state records/);
    assert.match(done.reason ?? "", /npx wireguard-mesh up/);
  });

  it("installs everything on a host that has nothing left", async () => {
    const [done] = await pushAgain(
      [[push("desktop")]],
      pushing(() => null),
    );
    assert.equal(done?.outcome, "applied");
  });
});
