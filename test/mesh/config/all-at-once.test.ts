/** All mistakes of a config are reported together. */
import assert from "node:assert/strict";
import { formatIssues } from "../../../mesh/config/issue";
import { readMesh } from "../../../mesh/mesh";
import { Secret } from "../../../mesh/secret";
import { TODAY } from "../../support/networks";
import { changed, keys } from "../../support/small-network";

describe("a config with many mistakes", () => {
  const raw = changed({
    peer: {},
    network: { listenPort: 70000 },
    relays: { tokyo: { endpoint: undefined } },
    peers: {
      desktop: { address: "10.87.0.2", adress: "10.86.0.2", persistentKeepalive: 0 },
      laptop: { publicKey: keys.desktop.publicKey, host: "192.168.1.3" },
    },
    presharedKeySeed: "hunter2",
    expect: [{ from: "laptop", to: "dekstop", reach: true }],
  });

  it("is reported as errors, then warnings, each with its remedy", () => {
    assert.equal(
      formatIssues(readMesh(raw, TODAY).issues),
      `  peer: is not a known key
      did you mean peers?
  network.listenPort: 70000 is not a port
      use a whole number from 1 to 65535
  peers.desktop.adress: is not a known key
      did you mean address?
  peers.laptop.host[0]: "192.168.1.3" does not say how to log in
      write user@address, user@address:port, user@via:RELAY or local
  peers.desktop.address: 10.87.0.2 is outside the network 10.86.0.0/24
      choose a free address inside it; \`npx wireguard-mesh add-peer\` finds the next one
  peers.laptop.publicKey: is also the key of peers.desktop
      every node needs a key pair of its own: give one of the two a new one
  relays.tokyo.endpoint: is missing: no node could dial this relay
      add endpoint: "ADDRESS:PORT", the address and UDP port at which peers reach it
  presharedKeySeed: is not encrypted in the stack file, so it is no longer secret
      make a new one, and set it with: npx pulumi config set --secret --path wireguard-mesh:presharedKeySeed
  expect[0].to: "dekstop" is neither a node nor a LAN behind one
      did you mean desktop?
  warning: peers.desktop.persistentKeepalive: is 0, but no node can dial this one: behind NAT it cannot be reached until it sends a packet itself
      set it to 25, or give the node an endpoint`,
    );
  });

  it("does not ask for peers, or to remove their keys, where peers is misspelled", () => {
    const { peers, ...others } = changed({
      privateKeys: { desktop: Secret.of(keys.desktop.privateKey) },
    });
    const { issues } = readMesh({ ...others, pears: peers }, TODAY);
    assert.equal(formatIssues(issues), "  pears: is not a known key\n      did you mean peers?");
  });

  it("has no plan", () => {
    assert.equal(readMesh(raw, TODAY).plan, null);
  });
});
