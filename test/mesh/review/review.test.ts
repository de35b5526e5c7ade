import assert from "node:assert/strict";
import fc from "fast-check";
import { reachOf } from "../../../mesh/plan/reach";
import { NOTHING, recordOf } from "../../../mesh/review/record";
import { isEmpty, reviewOf, type Review } from "../../../mesh/review/review";
import { Secret } from "../../../mesh/secret";
import { pathLines, reviewText } from "../../../scripts/cli/review-text";
import { networks } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { hostKeyLine } from "../../support/key-pairs";
import { changed, hostKey, keys } from "../../support/small-network";

type Edits = Record<string, unknown>;

const recorded = (edits: Edits = {}) => recordOf(planOf(changed(edits)));
const review = (before: Edits, after: Edits): Review => reviewOf(recorded(before), recorded(after));
const linesOf = ({ nodes }: Review) =>
  Object.fromEntries(nodes.map(({ node, lines }) => [node, lines]));
const peer = (fields: Edits): Edits => ({
  peers: { p33: { address: "10.86.0.33", publicKey: keys.spare.publicKey, ...fields } },
});

describe("a review", () => {
  it("of an unchanged network is empty", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const record = recordOf(planOf(raw));
        assert.deepEqual(isEmpty(reviewOf(record, record)), true);
      }),
      { numRuns: 50 },
    );
  });

  it("of a new peer lists the peer, its relay and its paths, and nothing else", () => {
    const { nodes, paths, restarts } = review({}, peer({}));
    assert.deepEqual(nodes, [
      { node: "tokyo", change: "changed", lines: ["+ peer p33"], pushed: false },
      {
        node: "p33",
        change: "new",
        lines: ["+ new: 10.86.0.33, a tunnel to tokyo"],
        pushed: false,
      },
    ]);
    const gained = { from: ["p33"], bothWays: true, before: null };
    assert.deepEqual(paths, {
      gained: [
        { ...gained, to: ["desktop", "laptop"], after: "through tokyo" },
        { ...gained, to: ["tokyo"], after: "direct" },
      ],
      lost: [],
      moved: [],
      lansGained: [],
      lansLost: [],
    });
    assert.deepEqual(restarts, []);
  });

  it("of a removed peer with a host says that its interface is removed, and which LAN is lost", () => {
    const nas = peer({ host: "root@192.0.2.5", hostKey, subnets: ["192.168.9.0/24"] });
    const { nodes, paths } = review(nas, {});
    assert.deepEqual(nodes, [
      { node: "tokyo", change: "changed", lines: ["- peer p33"], pushed: false },
      ...["desktop", "laptop"].map((node) => ({
        node,
        change: "changed",
        lines: ["~ peer tokyo: allowed IPs -192.168.9.0/24"],
        pushed: false,
      })),
      { node: "p33", change: "removed", lines: ["- its interface is removed"], pushed: true },
    ]);
    assert.deepEqual(paths.lansLost, [{ lan: "192.168.9.0/24", gateway: "p33" }]);
    assert.deepEqual(
      paths.lost.map(({ from, to }) => [from, to]),
      [
        [["p33"], ["desktop", "laptop"]],
        [["p33"], ["tokyo"]],
      ],
    );
  });

  it("of another key names the tunnels that restart, and of another endpoint none", () => {
    const key = review({}, { relays: { tokyo: { publicKey: keys.spare.publicKey } } });
    assert.deepEqual(linesOf(key), {
      desktop: ["~ peer tokyo: new key"],
      laptop: ["~ peer tokyo: new key"],
    });
    assert.deepEqual(key.restarts, [
      { a: "desktop", b: "tokyo" },
      { a: "laptop", b: "tokyo" },
    ]);
    const endpoint = review({}, { relays: { tokyo: { endpoint: "203.0.113.11:51820" } } });
    assert.deepEqual(linesOf(endpoint)["desktop"], [
      "~ peer tokyo: endpoint 203.0.113.10:51820 -> 203.0.113.11:51820",
    ]);
    assert.deepEqual(endpoint.restarts, []);
  });

  it("of a new name shows it at every host, and of a new domain all names and the DNS servers for devices", () => {
    const hosts = {
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: { desktop: { host: "root@192.0.2.5", hostKey: hostKeyLine(1) } },
    };
    const inDomain = { ...hosts, network: { domain: "mesh.internal" } };
    const p33 = { ...inDomain, peers: { ...hosts.peers, ...(peer({})["peers"] as Edits) } };
    assert.deepEqual(linesOf(review(hosts, inDomain)), {
      tokyo: [
        "+ DNS server for devices",
        "+ 3 names: desktop.mesh.internal, laptop.mesh.internal, tokyo.mesh.internal",
      ],
      desktop: ["+ 3 names: desktop.mesh.internal, laptop.mesh.internal, tokyo.mesh.internal"],
      laptop: ["~ DNS none -> 10.86.0.1, mesh.internal"],
    });
    assert.deepEqual(linesOf(review(p33, inDomain)), {
      tokyo: ["- peer p33", "- name p33.mesh.internal"],
      desktop: ["- name p33.mesh.internal"],
      p33: ["- its config no longer works"],
    });
    const moved = { ...p33, peers: { ...p33.peers, laptop: { address: "10.86.0.9" } } };
    assert.deepEqual(linesOf(review(p33, moved))["desktop"], ["~ name laptop.mesh.internal"]);
    assert.equal(linesOf(review(inDomain, hosts))["tokyo"]?.[0], "- DNS server for devices");
  });

  it("of a rotation that keeps the old key lists no tunnel that restarts", () => {
    const host = { host: "root@192.0.2.5", hostKey };
    const relays = { tokyo: { host: "root@203.0.113.10", hostKey: hostKeyLine(1) } };
    const former = { relays, peers: { desktop: host } };
    const next = { relays, peers: { desktop: { ...host, nextPublicKey: keys.spare.publicKey } } };
    const begun = review(former, next);
    assert.deepEqual(linesOf(begun)["tokyo"], ["+ peer desktop (next key)"]);
    assert.deepEqual([begun.restarts, begun.overlaps], [[], ["desktop"]]);
    const ended = review(next, {
      relays,
      peers: { desktop: { ...host, publicKey: keys.spare.publicKey } },
    });
    assert.deepEqual(linesOf(ended)["tokyo"], [
      "- peer desktop (next key)",
      "~ peer desktop: new key",
    ]);
    assert.deepEqual(ended.restarts, []);
  });

  it("of a relay's rotation says which peers get its next key, and that no tunnel is interrupted", () => {
    const tokyo = { host: "root@203.0.113.10", hostKey: hostKeyLine(1) };
    const spare = keys.spare.publicKey;
    const moved = { publicKey: spare, listenPort: 51821, endpoint: "203.0.113.10:51821" };
    const former = { relays: { tokyo } };
    const next = { relays: { tokyo: { ...tokyo, nextPublicKey: spare } } };
    const ended = { relays: { tokyo: { ...tokyo, ...moved, rotationPort: 51820 } } };
    const begins = review(former, next);
    assert.deepEqual(linesOf(begins), {
      tokyo: ["+ second interface, UDP port 51821"],
      desktop: [
        "~ peer tokyo: uses its next key, endpoint 203.0.113.10:51820 -> 203.0.113.10:51821",
      ],
      laptop: [
        "~ peer tokyo: uses its next key, endpoint 203.0.113.10:51820 -> 203.0.113.10:51821",
      ],
    });
    assert.deepEqual([begins.restarts, begins.overlaps], [[], ["tokyo"]]);
    assert.match(
      reviewText(begins),
      /\n\nKeys that change without an interruption: both work meanwhile\n {2}tokyo$/,
    );
    const ends = review(next, ended);
    assert.deepEqual(linesOf(ends)["desktop"], [
      "~ peer tokyo: its next key is now its current key",
    ]);
    assert.deepEqual([ends.restarts, ends.overlaps], [[], undefined]);
    const revoked = review(next, {
      relays: { tokyo: { ...tokyo, publicKey: keys.laptop.publicKey } },
      peers: { laptop: undefined },
    });
    assert.deepEqual(linesOf(revoked)["desktop"], [
      "~ peer tokyo: uses its current key instead of its next key, endpoint 203.0.113.10:51821 -> 203.0.113.10:51820",
    ]);
    assert.deepEqual(revoked.restarts, [{ a: "desktop", b: "tokyo" }]);
  });

  it("of a direct link where there was a relay between says that the path moves", () => {
    const { paths } = review(peer({}), peer({ endpoint: "198.51.100.9:51820" }));
    assert.deepEqual(
      paths.moved.map(({ from, to, before, after }) => [from, to, before, after]),
      [[["desktop", "laptop"], ["p33"], "through tokyo", "direct"]],
    );
  });

  it("shows a gained, lost or changed exit of a peer", () => {
    const host = (at: number) => ({ host: `root@203.0.113.1${at}`, hostKey: hostKeyLine(at) });
    const relays = {
      tokyo: { exit: true, ...host(0) },
      osaka: { address: "10.86.0.9", publicKey: keys.spare.publicKey, exit: true, ...host(1) },
    };
    const laptop = (fields: Edits) => ({ relays, peers: { laptop: fields } });
    const [home, tokyo] = [laptop({}), laptop({ routeAll: true })];
    const osaka = laptop({ routeAll: true, relay: "osaka" });
    const added = review(home, tokyo);
    assert.deepEqual(linesOf(added), {
      laptop: ["~ peer tokyo: allowed IPs +0.0.0.0/0 -10.86.0.0/24"],
      tokyo: ["+ translates addresses"],
    });
    const both = { relays, peers: { laptop: { routeAll: true }, desktop: { routeAll: true } } };
    assert.deepEqual(linesOf(review(tokyo, both))["tokyo"], ["~ translates other addresses"]);
    const lines = linesOf(review({ ...tokyo, policy: [] }, tokyo))["tokyo"];
    assert.deepEqual(lines, ["- no longer filters"]);
    assert.deepEqual(pathLines(added.paths), ["+ laptop -> the internet: through tokyo"]);
    const removed = review(tokyo, home);
    assert.deepEqual(pathLines(removed.paths), ["- laptop -> the internet"]);
    assert.deepEqual(linesOf(removed)["tokyo"], ["- no longer translates addresses"]);
    const moved = pathLines(review(tokyo, osaka).paths).at(-1);
    assert.equal(moved, "~ laptop -> the internet: through osaka, was through tokyo");
    assert.equal("exits" in review(home, laptop({ relay: "osaka" })).paths, false);
  });

  it("shows a push for keys that are not in the redacted files, and for another machine", () => {
    const record = recorded(peer({ host: "root@192.0.2.5", hostKey }));
    const lines = (push: "update" | "replace") =>
      linesOf(reviewOf(record, record, new Map([["p33", push]])));
    assert.deepEqual(lines("update"), {
      p33: [
        "~ pushed again: its last push failed, its login or preshared keys have changed, or this version of wireguard-mesh configures more",
      ],
    });
    assert.deepEqual(lines("replace"), {
      p33: ["~ another machine: it is set up, and the former one cleaned"],
    });
  });

  it("names the change of a pushed node's own keys, which its own file does not show", () => {
    const host = { host: "root@192.0.2.5", hostKey };
    const relays = { tokyo: { host: "root@203.0.113.10", hostKey: hostKeyLine(1) } };
    const privateKeys = { desktop: Secret.sealed() };
    const desktop = (fields: Edits) =>
      recorded({ relays, peers: { desktop: { ...host, ...fields } }, privateKeys });
    const [plain, rotating] = [desktop({}), desktop({ nextPublicKey: keys.spare.publicKey })];
    const rotated = desktop({ publicKey: keys.spare.publicKey });
    const lines = (before: typeof plain, after: typeof plain) =>
      linesOf(reviewOf(before, after, new Map([["desktop", "update"]])))["desktop"];
    assert.deepEqual(lines(plain, rotating), ["~ it gets a next key of its own"]);
    assert.deepEqual(lines(rotating, rotated), ["~ one of its own keys is dropped"]);
    assert.deepEqual(lines(rotating, plain), ["~ one of its own keys is dropped"]);
    assert.deepEqual(lines(plain, rotated), ["~ its own key changes"]);
  });

  it("gains exactly the pairs of a new network that can communicate", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const { gained } = reviewOf(NOTHING, recordOf(plan)).paths;
        const pairs = gained.flatMap(({ from, to, bothWays }) =>
          from.flatMap((one) =>
            to.flatMap((other) => {
              if (one === other) return [];
              return [`${one} ${other}`, ...(bothWays ? [`${other} ${one}`] : [])];
            }),
          ),
        );
        const names = new Set(plan.nodes.map(({ name }) => name));
        const reached = reachOf(plan)
          .filter(({ to }) => names.has(to))
          .map(({ from, to }) => `${from} ${to}`);
        assert.deepEqual([...new Set(pairs)].sort(), [...new Set(reached)].sort());
      }),
      { numRuns: 100 },
    );
  });
});
