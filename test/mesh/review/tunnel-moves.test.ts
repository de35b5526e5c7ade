/** What a preview says of hosts that only the tunnel leads to. */
import assert from "node:assert/strict";
import { recordOf } from "../../../mesh/review/record";
import { reviewOf } from "../../../mesh/review/review";
import { withTunnelLines } from "../../../mesh/review/tunnel-moves";
import { hostKeyLine } from "../../support/key-pairs";
import { planOf } from "../../support/plan-of";
import { changed, hostKey, keys } from "../../support/small-network";

type Fields = Record<string, unknown>;

const TUNNEL = "~ only the tunnel leads there: ";

/** The lines about the desktop's tunnel when these fields of the desktop, the relay and a second relay change. */
function linesOf(desktop: Fields, tokyo: Fields = {}, former: Fields = {}): string[] {
  const plan = (peer: Fields, relay: Fields) =>
    planOf(
      changed({
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
  const review = reviewOf(recordOf(plan(former, {})), recordOf(after));
  const { lines = [] } =
    withTunnelLines(review, after).nodes.find(({ node }) => node === "desktop") ?? {};
  return lines.filter((line) => line.startsWith(TUNNEL)).map((line) => line.slice(TUNNEL.length));
}

describe("a preview of a host that only the tunnel leads to", () => {
  it("says how it follows to another address, and to another home relay", () => {
    assert.deepEqual(linesOf({ address: "10.86.0.77" }), [
      "tokyo keeps its former address until it answers at the new one",
    ]);
    assert.deepEqual(linesOf({ relay: "osaka", host: "root@via:osaka" }), [
      "it is reached by its former relay until it answers by osaka",
    ]);
  });

  it("says how it follows to another port or endpoint of its relay", () => {
    assert.deepEqual(linesOf({}, { endpoint: "203.0.113.10:51999", listenPort: 51999 }), [
      "tokyo serves both ports until it has followed, so both must be open",
    ]);
    assert.deepEqual(linesOf({}, { endpoint: "203.0.113.99:51820" }), [
      "it follows if tokyo is there at both endpoints, else it is not reached",
    ]);
  });

  it("says nothing of other changes, or of a host with another way in", () => {
    assert.deepEqual(linesOf({ mtu: 1380 }), []);
    const host = ["root@192.0.2.5", "root@via:tokyo"];
    assert.deepEqual(linesOf({ address: "10.86.0.77" }, {}, { host }), []);
  });
});
