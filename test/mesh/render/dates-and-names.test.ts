/** The requests of hosts that have peers with a date, or endpoints that are names; other requests do not change. */
import assert from "node:assert/strict";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { recordOf } from "../../../mesh/review/record";
import { reviewOf } from "../../../mesh/review/review";
import { Secret } from "../../../mesh/secret";
import { ec2 } from "../../support/ec2-stacks";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";

type Edits = Record<string, unknown>;

/** The relay is pushed to, and by its name if one is given. */
const network = (desktop: Edits = {}, laptop: Edits = {}, relay = "203.0.113.10") =>
  planOf(
    changed({
      relays: { tokyo: { host: `root@${relay}`, hostKey, endpoint: `${relay}:51820` } },
      peers: { desktop, laptop },
      privateKeys: undefined,
    }),
  );
const request = (name: string, plan: ReturnType<typeof network>) =>
  requestWithoutSecrets(nodeIn(plan, name), plan, "owner");
const PUSHED = { host: "taro@192.168.1.20", hostKey };

describe("the date of a peer", () => {
  const expiring = { expires: "2027-12-31" };

  it("is a comment in its section on pushed hosts: the second after its last day, UTC", () => {
    const { config } = request("tokyo", network(expiring));
    const [section = ""] = config.split("# laptop").slice(0, 1);
    assert.match(section, /AllowedIPs = 10\.86\.0\.2\/32\n# Expires = 2028-01-01T00:00:00Z\n\n$/);
    assert.equal(config.match(/Expires/g)?.length, 1);
  });

  it("is in UTC for any time zone in the config", () => {
    const { config } = request("tokyo", network({ expires: "2027-12-31T18:00:00+09:00" }));
    assert.ok(config.includes("# Expires = 2027-12-31T09:00:00Z\n"));
  });

  it("is at each pushed host with a link to the peer, and not at devices", () => {
    const guest = { ...expiring, endpoint: "203.0.113.7:51820" };
    const pushed = network(guest, { host: "taro@192.168.1.21", hostKey });
    for (const name of ["tokyo", "laptop"]) {
      assert.ok(request(name, pushed).config.includes("# Expires = "), name);
    }
    const device = network(guest, {});
    assert.ok(!request("laptop", device).config.includes("# Expires = "));
  });

  it("changes only the relay when it is moved, and is shown in the review", () => {
    const review = reviewOf(
      recordOf(network(expiring)),
      recordOf(network({ expires: "2028-12-31" })),
    );
    assert.deepEqual(
      review.nodes.map(({ node, lines }) => [node, lines]),
      [["tokyo", ["~ peer desktop: expiry 2028-01-01T00:00:00Z -> 2029-01-01T00:00:00Z"]]],
    );
  });

  it("leaves requests without one as they were", () => {
    assert.deepEqual(
      request("tokyo", network({}, expiring)).config.replace(/# Expires.*\n/, ""),
      request("tokyo", network()).config,
    );
    assert.ok(!JSON.stringify(request("tokyo", network())).includes("xpires"));
  });
});

describe("a name in an endpoint", () => {
  it("is followed by the pushed hosts that dial it, and no other request changes", () => {
    const named = network(PUSHED, {}, "relay.example.org");
    assert.equal(request("desktop", named).followNames, true);
    assert.ok(!("followNames" in request("tokyo", named)));
    for (const address of ["203.0.113.10", "[2001:db8::10]"]) {
      assert.ok(!("followNames" in request("desktop", network(PUSHED, {}, address))), address);
    }
  });

  it("is not used for an ec2 relay, which has an address", () => {
    const plan = planOf(
      changed({
        relays: { tokyo: { endpoint: undefined, ec2 } },
        peers: { desktop: PUSHED },
        sshAuthoritySeed: Secret.sealed(),
      }),
    );
    assert.ok(!("followNames" in request("desktop", plan)));
  });
});
