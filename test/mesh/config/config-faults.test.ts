/** The faults of docs/faults.md that a config can have. */
import assert from "node:assert/strict";
import { readMesh } from "../../../mesh/mesh";
import { TODAY } from "../../support/networks";
import { changed, keys } from "../../support/small-network";

const peer = (edits: object) => ({ peers: { desktop: edits } });

const FAULTS: [string, Record<string, unknown>, [string, RegExp]][] = [
  [
    "F14: a duplicate address",
    peer({ address: "10.86.0.3" }),
    ["peers.laptop.address", /peers\.desktop/],
  ],
  [
    "F14: a duplicate key",
    peer({ publicKey: keys.laptop.publicKey }),
    ["peers.laptop.publicKey", /peers\.desktop/],
  ],
  [
    "F14: names that differ only by case, which DNS and some file systems treat as the same",
    { peers: { Laptop: { address: "10.86.0.9", publicKey: keys.spare.publicKey } } },
    ["peers.Laptop", /lower/],
  ],
  [
    "F15: overlapping LANs of two peers",
    {
      peers: {
        desktop: { subnets: ["192.168.0.0/16"] },
        laptop: { subnets: ["192.168.1.0/24"] },
      },
    },
    ["peers.laptop.subnets[0]", /peers\.desktop/],
  ],
  [
    "F15: a LAN that overlaps the tunnel network",
    peer({ subnets: ["10.86.0.0/16"] }),
    ["peers.desktop.subnets[0]", /10\.86\.0\.0\/24/],
  ],
  ["F16: an octal octet", { network: { cidr: "010.86.0.0/24" } }, ["network.cidr", /./]],
  ["F16: host bits", { network: { cidr: "10.86.0.7/24" } }, ["network.cidr", /10\.86\.0\.0\/24/]],
  [
    "F16: an IPv4-mapped address",
    peer({ address: "::ffff:10.86.0.2" }),
    ["peers.desktop.address", /./],
  ],
  [
    "F16: a misspelt key",
    peer({ persistantKeepalive: 25 }),
    ["peers.desktop.persistantKeepalive", /persistentKeepalive/],
  ],
  ["F16: a text for a number", peer({ mtu: "1400x" }), ["peers.desktop.mtu", /./]],
  [
    "F17: a newline in a key",
    peer({ publicKey: `${keys.desktop.publicKey}\nPostUp = id` }),
    ["peers.desktop.publicKey", /./],
  ],
  [
    "F17: a command in an interface name",
    { network: { interface: "wg0;reboot" } },
    ["network.interface", /./],
  ],
  ["F17: a hook", peer({ PostUp: "id" }), ["peers.desktop.PostUp", /not a known key/]],
  [
    "F17: a right-to-left override in an endpoint",
    peer({ endpoint: "vpn\u202e.example:51820" }),
    ["peers.desktop.endpoint", /./],
  ],
  [
    "F17: a shell substitution in a host",
    peer({ host: "root@$(reboot)" }),
    ["peers.desktop.host[0]", /./],
  ],
];

describe("a fault in the config", () => {
  for (const [fault, edits, [path, text]] of FAULTS) {
    it(`${fault} is an error with its path and a remedy`, () => {
      const { issues } = readMesh(changed(edits), TODAY);
      const errors = issues.filter(({ severity }) => severity === "error");
      const found = errors.filter((issue) => issue.path === path);
      assert.equal(found.length, 1, JSON.stringify(errors));
      assert.match(`${found[0]?.message ?? ""} ${found[0]?.remedy ?? ""}`, text);
      assert.notEqual(found[0]?.remedy, "");
    });
  }

  it("F26: a node that cannot be dialled gets a warning for keepalive 0; the default is 25 s", () => {
    const { plan, issues } = readMesh(changed(peer({ persistentKeepalive: 0 })), TODAY);
    assert.deepEqual(
      issues.map(({ severity, path }) => [severity, path]),
      [["warning", "peers.desktop.persistentKeepalive"]],
    );
    const laptop = plan?.nodes.find(({ name }) => name === "laptop");
    assert.deepEqual(
      laptop?.sections.map((section) => section.persistentKeepalive),
      [25],
    );
  });
});
