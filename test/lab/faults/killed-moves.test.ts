/**
 * An up that moves a host to another address, home relay or port of its relay is killed at random moments, with its program, plugin
 * and pushes. Only the tunnel leads to the host: one more up reaches it, by the former way or the new one. The seed is in the
 * title; FAULT_SEED=7 sets it, FAULT_ROUNDS=20 the number of kills. Needs root.
 */
import { testKilledMoves } from "../support/killed-moves";
import { twoRelays } from "../support/two-relays";

testKilledMoves({
  title: "a move that is killed at random moments",
  id: "test-killed-moves",
  scenario: twoRelays,
  hosts: ["desktop"],
});
