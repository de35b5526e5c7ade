import assert from "node:assert/strict";
import { renderChange } from "../../mesh/host/change";
import { decide } from "../../mesh/host/decide";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import { PushError } from "../../scripts/push/push-error";
import { pushAgain } from "../../scripts/stack/push-again";
import { plannedState } from "../../scripts/stack/planned-state";
import { parseState, type RecordedPush } from "../../scripts/stack/recorded-pushes";
import * as by from "./support/hand-edits";
import { nodeOf } from "./support/network";
import { asPlanned, plan, plannedAs } from "./support/planned-network";

/** A secret in the output of `pulumi stack export --show-secrets`. */
const sealed = (value: string) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

const resource = (node: string, result: Partial<PushResult>, more: object = {}) => ({
  type: "command:local:Command",
  inputs: { stdin: sealed(JSON.stringify({ node, version: 1 })) },
  outputs: { stdout: JSON.stringify({ node, ...result }) },
  ...more,
});

describe("parseState", () => {
  it("returns the last push of each host that the state still has", () => {
    const resources = [
      { type: "pulumi:pulumi:Stack" },
      resource("desktop", { digest: "d1", serial: 7 }),
      resource("laptop", { digest: "old machine" }, { delete: true }),
      resource("laptop", { digest: "d2" }),
      { type: "command:local:Command", inputs: {}, outputs: {} },
    ];
    const pushes = parseState(JSON.stringify({ version: 3, deployment: { resources } }));
    assert.deepEqual(
      [...pushes.values()].map(({ node, digest, serial, request }) => [
        ...[node, digest, serial],
        request.reveal(),
      ]),
      [
        ["desktop", "d1", 7, '{"node":"desktop","version":1}'],
        // Of an older version.
        ["laptop", "d2", null, '{"node":"laptop","version":1}'],
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
  const push = (node: string, serial: number | null = 5): RecordedPush => ({
    node,
    request: Secret.of(JSON.stringify({ node })),
    digest: `digest of ${node}`,
    serial,
  });
  const applied: PushRequest[] = [];
  const pushing = (confirmed: (node: string) => { digest: string; serial: number } | null) => ({
    confirmed: ({ node }: PushRequest) => Promise.resolve(confirmed(node)),
    apply: (request: PushRequest) => {
      const { node } = request;
      applied.push(request);
      if (node === "dead") return Promise.reject(new PushError("dead: cannot be reached"));
      const result = { node, outcome: "applied", through: "root@h" };
      return Promise.resolve(result as PushResult);
    },
  });
  const confirmed = (serial: number, digest = "another") => pushing(() => ({ digest, serial }));
  beforeEach(() => applied.splice(0));

  it("pushes round after round, and one failure stops no other push", async () => {
    const rounds = [[push("relay")], [push("dead"), push("desktop")]];
    const same = pushing((node) => ({ digest: `digest of ${node}`, serial: 5 }));
    const done = await pushAgain(rounds, { pushing: same });
    assert.deepEqual(
      applied.map(({ node }) => node),
      ["relay", "dead", "desktop"],
    );
    assert.deepEqual(
      done.map(({ node, outcome, reason }) => [node, outcome, reason]),
      [
        ["relay", "applied", null],
        ["dead", "failed", "cannot be reached"],
        ["desktop", "applied", null],
      ],
    );
  });

  it("installs everything on a host that has lost its files", async () => {
    const [done] = await pushAgain([[push("desktop")]], { pushing: pushing(() => null) });
    assert.equal(done?.outcome, "applied");
  });

  it("pushes to a host that was set back to an older confirmed state, and says so", async () => {
    const [done] = await pushAgain([[push("desktop")]], { pushing: confirmed(4) });
    assert.deepEqual([done?.outcome, done?.wasSetBack], ["applied", true]);
    // So that the host's next number is greater than both.
    assert.deepEqual(applied, [{ node: "desktop", serial: 5 }]);
  });

  it("sends nothing to a host that has confirmed a newer config since", async () => {
    const [done] = await pushAgain([[push("desktop")]], { pushing: confirmed(6) });
    assert.deepEqual(applied, []);
    assert.equal(done?.outcome, "failed");
    assert.match(done.reason ?? "", /^its host has confirmed a newer config than this stack's/);
    assert.match(done.reason ?? "", /^Run `npx wireguard-mesh up`/m);
  });

  it("sends nothing if the newer config is unknown, and suggests --force", async () => {
    const unclear: [recorded: number | null, onHost: number][] = [
      [5, 0],
      [null, 6],
      [null, 0],
      [5, 5],
    ];
    for (const [recorded, onHost] of unclear) {
      const options = { pushing: confirmed(onHost) };
      const [done] = await pushAgain([[push("desktop", recorded)]], options);
      assert.equal(done?.outcome, "failed");
      assert.match(done.reason ?? "", /npx wireguard-mesh repush desktop --force$/);
    }
    assert.deepEqual(applied, []);
  });

  it("sends the recorded config in any case with --force", async () => {
    for (const onHost of [6, 0]) {
      const options = { pushing: confirmed(onHost), force: true };
      const [done] = await pushAgain([[push("desktop")]], options);
      assert.deepEqual([done?.outcome, done?.wasSetBack], ["applied", false]);
    }
  });

  it("leaves the request of an older version as it is", async () => {
    await pushAgain([[push("desktop", null)]], { pushing: confirmed(0, "digest of desktop") });
    assert.deepEqual(applied, [{ node: "desktop" }]);
  });
});

describe("the number of a push", () => {
  it("is greater than the host's last one and the state's, in the result and in the host's record", () => {
    const wanted = plannedState(nodeOf(plan, "nas"), plannedAs(plan), "");
    const pushedOnce = asPlanned(plan, "nas");
    assert.equal(pushedOnce.records.confirmed?.serial, 1);
    const ownKeys = new Set([wanted.main.publicKey]);
    const isDown = by.link({ up: false })({ ...pushedOnce, ownKeys });
    for (const [inState, next] of [
      [0, 2],
      [1, 2],
      [7, 8],
    ] as const) {
      const options = { token: "t", hostScript: { text: "", digest: "" }, serial: inState };
      const decision = decide(isDown, wanted, options);
      assert.ok(decision.kind === "change", JSON.stringify(decision));
      assert.equal(decision.serial, next);
      const change = renderChange(decision.change).reveal();
      assert.match(change, new RegExp(`^ serial ${next}$`, "m"));
    }
  });
});
