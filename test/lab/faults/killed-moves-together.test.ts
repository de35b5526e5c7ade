/** As killed-moves.test.ts, with three hosts that move at once, each in its own way or all in the same. Needs root. */
import { testKilledMoves } from "../support/killed-moves";
import { twoRelays, withMorePeers } from "../support/two-relays";

const MORE = ["nas", "printer"];

testKilledMoves({
  title: "moves of three hosts that are killed at random moments",
  id: "test-killed-moves-together",
  scenario: withMorePeers(twoRelays, MORE),
  hosts: ["desktop", ...MORE],
});
