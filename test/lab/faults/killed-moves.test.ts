/**
 * An up that moves a host to another address, home relay or port of its relay is killed at random moments, with its program, plugin
 * and pushes. The host is reached only through the tunnel: one more up reaches it, at the former place or the new one. The seed is in the
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
