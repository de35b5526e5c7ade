/** A preview of changes for hosts that are reached only through the tunnel. */
import assert from "node:assert/strict";
import { Secret } from "../../../mesh/secret";
import { recordOf } from "../../../mesh/review/record";
import { reviewOf } from "../../../mesh/review/review";
import { withTunnelLines } from "../../../mesh/review/tunnel-moves";
import { AUTHORITY_SEED, ec2 } from "../../support/ec2-stacks";
import { hostKeyLine } from "../../support/key-pairs";
import { planOf } from "../../support/plan-of";
import { changed, hostKey, keys } from "../../support/small-network";

type Fields = Record<string, unknown>;

const TUNNEL = "~ reached only through the tunnel: ";

/** The lines about the desktop's tunnel when these fields of the desktop, the relay and a second relay change. */
function linesOf(
  desktop: Fields,
  tokyo: Fields = {},
  former: Fields = {},
  formerTokyo: Fields = {},
): string[] {
  const plan = (peer: Fields, relay: Fields) =>
    planOf(
      changed({
        sshAuthoritySeed: Secret.of(AUTHORITY_SEED),
        relays: {
          tokyo: { host: "root@203.0.113.10", hostKey: hostKeyLine(1), ...relay },
          osaka: {
            ...{ address: "10.86.0.8", publicKey: keys.spare.publicKey },
            ...{ host: "root@203.0.113.11", hostKey: hostKeyLine(2) },
          },
        },
        peers: {
          desktop: { host: "root@via:tokyo", relay: "tokyo", hostKey, ...peer },
          laptop: { relay: "tokyo" },
        },
      }),
    );
  const after = plan({ ...former, ...desktop }, tokyo);
  const review = reviewOf(recordOf(plan(former, formerTokyo)), recordOf(after));
  const { lines = [] } =
    withTunnelLines(review, after).nodes.find(({ node }) => node === "desktop") ?? {};
  return lines.filter((line) => line.startsWith(TUNNEL)).map((line) => line.slice(TUNNEL.length));
}

describe("a preview of a host that is reached only through the tunnel", () => {
  it("says how it follows to another address, and to another home relay", () => {
    assert.deepEqual(linesOf({ address: "10.86.0.77" }), [
      "tokyo keeps this host's former address until the host answers at the new one",
    ]);
    assert.deepEqual(linesOf({ relay: "osaka", host: "root@via:osaka" }), [
      "this host is reached through its former relay until it answers through osaka",
    ]);
    const both = { address: "10.86.0.77", relay: "osaka", host: "root@via:osaka" };
    assert.deepEqual(linesOf(both), [
      "this host is reached through its former relay at its former address until it answers through osaka at the new one",
    ]);
  });

  it("says how it follows to another port or endpoint of its relay", () => {
    assert.deepEqual(linesOf({}, { endpoint: "203.0.113.10:51999", listenPort: 51999 }), [
      "tokyo serves both ports until this host has followed, so both must be open",
    ]);
    assert.deepEqual(linesOf({}, { endpoint: "203.0.113.99:51820" }), [
      "this host follows if tokyo answers at both endpoints; else the push fails",
    ]);
    const all = linesOf({ address: "10.86.0.77" }, { listenPort: 51999, endpoint: undefined });
    assert.deepEqual(all, [
      "tokyo keeps this host's former address until the host answers at the new one",
      "tokyo serves both ports until this host has followed, so both must be open",
    ]);
  });

  it("says how to keep the former port of an ec2 relay open, whose security group has two", () => {
    const tokyo = (fields: Fields) => ({
      host: undefined,
      hostKey: undefined,
      endpoint: undefined,
      ec2,
      ...fields,
    });
    const portLines = (fields: Fields) =>
      linesOf({}, tokyo(fields), {}, tokyo({})).map((line) => line.split(":")[0]);
    assert.deepEqual(linesOf({}, tokyo({ listenPort: 51999 }), {}, tokyo({})), [
      "tokyo closes UDP port 51820, so this host cannot follow: set rotationPort: 51820 on tokyo in the same up, and remove it in a later one",
    ]);
    const follows = ["tokyo serves both ports until this host has followed, so both must be open"];
    assert.deepEqual(portLines({ listenPort: 51999, rotationPort: 51820 }), follows);
    assert.deepEqual(portLines({ listenPort: 51819 }), follows);
  });

  it("says of a renamed host that it is the same host, and how it follows", () => {
    const [before, after] = ["desktop", "pc"].map((name) =>
      planOf(
        changed({
          relays: { tokyo: { host: "root@203.0.113.10", hostKey: hostKeyLine(1) } },
          peers: {
            desktop: undefined,
            [name]: {
              ...{ host: "root@via:tokyo", hostKey, publicKey: keys.desktop.publicKey },
              address: name === "pc" ? "10.86.0.77" : "10.86.0.2",
            },
          },
        }),
      ),
    );
    assert.ok(before !== undefined && after !== undefined);
    const review = withTunnelLines(reviewOf(recordOf(before), recordOf(after)), after);
    const lines = new Map(review.nodes.map((change) => [change.node, change.lines]));
    assert.deepEqual(lines.get("desktop"), ["- renamed to pc"]);
    assert.deepEqual(lines.get("pc"), [
      "+ new: 10.86.0.77, a tunnel to tokyo; renamed from desktop",
      `${TUNNEL}tokyo keeps this host's former address until the host answers at the new one`,
    ]);
  });

  it("says nothing about other changes, or about a host with a direct address", () => {
    assert.deepEqual(linesOf({ mtu: 1380 }), []);
    const host = ["root@192.0.2.5", "root@via:tokyo"];
    assert.deepEqual(linesOf({ address: "10.86.0.77" }, {}, { host }), []);
  });
});
