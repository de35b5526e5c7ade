import assert from "node:assert/strict";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { pushAgain } from "../../scripts/commands/repush/push-again";
import { PushError } from "../../scripts/push/push-error";
import { parseState, type RecordedPush } from "../../scripts/stack/recorded-pushes";

/** How the engine writes a secret with --show-secrets. */
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

describe("the pushes that a state records", () => {
  it("are those of the hosts as they are now, with what each was told", () => {
    const resources = [
      { type: "pulumi:pulumi:Stack" },
      resource("desktop", "d1"),
      resource("laptop", "former machine", { delete: true }),
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

  it("are none where there is no state yet", () => {
    assert.equal(parseState('{"version":3,"deployment":{}}').size, 0);
    assert.equal(parseState("no JSON").size, 0);
  });
});

describe("pushing again what was recorded", () => {
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

  it("does the relays before the others, and one failure stops nobody", async () => {
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

  it("sends nothing to a host that has confirmed something else since", async () => {
    const [done] = await pushAgain(
      [[push("desktop")]],
      pushing(() => "newer"),
    );
    assert.deepEqual(applied, []);
    assert.equal(done?.outcome, "failed");
    assert.match(done.reason ?? "", /another config than this stack's state records/);
    assert.match(done.reason ?? "", /npx wireguard-mesh up/);
  });

  it("sets up a host again that has nothing of ours any more", async () => {
    const [done] = await pushAgain(
      [[push("desktop")]],
      pushing(() => null),
    );
    assert.equal(done?.outcome, "applied");
  });
});
