/** The addresses at which a host that is reached only through the tunnel may be, according to its relays. */
import assert from "node:assert/strict";
import { addressesKnownBy } from "../../../mesh/host/known-addresses";

const peers = [
  { publicKey: "A", allowedIps: ["10.0.0.12/32", "10.0.0.2/32", "fd00::2/128", "192.168.1.0/24"] },
  { publicKey: "B", allowedIps: ["10.0.0.112/32", "10.0.0.3/32"] },
  { publicKey: "C", allowedIps: [] },
];

function known(address: string, publicKey: string | null, watched: string[] = []): string[] {
  return addressesKnownBy({ peers, watched }, { address, publicKey });
}

describe("the addresses of a host according to a relay", () => {
  it("are those of its peer, by its key or else its address", () => {
    const own = ["10.0.0.12", "10.0.0.2", "fd00::2"];
    assert.deepEqual(known("10.0.0.12", null), own);
    assert.deepEqual(known("10.0.0.99", "A"), own);
    assert.deepEqual(known("10.0.0.99", null), []);
    assert.deepEqual(known("10.0.0.99", "D"), []);
  });

  it("are not those of the relay that it is behind", () => {
    assert.deepEqual(known("10.0.0.3", "C"), []);
  });

  it("are those of its other key too, while it has two", () => {
    assert.deepEqual(known("10.0.0.99", "C", ["pair wg0 B C 10.0.0.3/32"]), [
      ...["10.0.0.112", "10.0.0.3"],
    ]);
  });

  it("are those that it has moved to, and those that another relay routes", () => {
    // The watcher has removed the former address; the other is routed to the former home relay.
    const watched = [
      "former wg0 10.0.0.12/32 10.0.0.8/32,10.0.0.9/32",
      "home wg0 10.0.0.7/32 RELAY C",
      "former wg0 10.0.0.42/32 10.0.0.41/32 B",
    ];
    const all = ["10.0.0.12", "10.0.0.2", "fd00::2", "10.0.0.8", "10.0.0.9"];
    assert.deepEqual(known("10.0.0.12", "A", watched), all);
    assert.deepEqual(known("10.0.0.9", null, watched), ["10.0.0.12"]);
    assert.deepEqual(known("10.0.0.99", "C", watched), ["10.0.0.7"]);
    assert.deepEqual(known("10.0.0.42", "D", watched), ["10.0.0.41"]);
    assert.deepEqual(known("10.0.0.41", "D", watched), ["10.0.0.42"]);
  });
});
