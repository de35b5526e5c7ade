/** Which nodes get which names, and which DNS server devices use. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { namesKnownBy, namesText } from "../../../mesh/plan/names";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { renderRedacted } from "../../../mesh/render/render";
import { networks } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";

const network = { domain: "mesh.internal", cidr6: "fd5c:10::/64" };
const tokyo = { host: "root@203.0.113.10", hostKey, address6: "fd5c:10::1" };
const laptop = { address6: "fd5c:10::3" };

describe("the names of nodes", () => {
  const plan = planOf(changed({ network, relays: { tokyo }, peers: { laptop } }));

  it("are on every host, with IPv6 where the host has it too", () => {
    assert.deepEqual(namesKnownBy(nodeIn(plan, "tokyo"), plan.nodes), [
      "desktop 10.86.0.2",
      "laptop 10.86.0.3 fd5c:10::3",
      "tokyo 10.86.0.1 fd5c:10::1",
    ]);
    assert.deepEqual(namesKnownBy(nodeIn(plan, "desktop"), plan.nodes), [
      "desktop 10.86.0.2",
      "laptop 10.86.0.3",
      "tokyo 10.86.0.1",
    ]);
    assert.match(namesText(plan) ?? "", /^laptop\.mesh\.internal 10\.86\.0\.3 fd5c:10::3$/m);
  });

  it("are answered by the home relay of a device, at the addresses that it can reach", () => {
    const dns = (name: string) => nodeIn(plan, name).dns ?? null;
    const domain = "mesh.internal";
    assert.deepEqual(dns("laptop"), { servers: ["10.86.0.1", "fd5c:10::1"], domain });
    assert.deepEqual(dns("desktop"), { servers: ["10.86.0.1"], domain });
    assert.equal(dns("tokyo"), null);
    assert.match(
      renderRedacted(nodeIn(plan, "laptop"), plan.network),
      /^DNS = 10\.86\.0\.1, fd5c:10::1, mesh\.internal$/m,
    );
  });

  it("do not use DNS on pushed hosts, and with a relay that is not pushed to", () => {
    const pushed = planOf(
      changed({
        network,
        relays: { tokyo },
        peers: { laptop: { host: "root@192.0.2.5", hostKey } },
      }),
    );
    assert.equal(nodeIn(pushed, "laptop").dns ?? null, null);
    const byHand = planOf(changed({ network }));
    assert.equal(nodeIn(byHand, "laptop").dns ?? null, null);
  });

  it("are absent in a network without a domain", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plain = planOf(raw);
        const requests = plain.nodes.map((node) => requestWithoutSecrets(node, plain, "p/s"));
        assert.doesNotMatch(JSON.stringify([plain, requests]), /"names"|"dns"|"domain"|DNS = /);
      }),
      { numRuns: 30 },
    );
  });

  it("are served only by relays", () => {
    const served = plan.nodes
      .map((node) => requestWithoutSecrets(node, plan, "p/s"))
      .filter(({ names }) => names?.serves === true);
    assert.deepEqual(
      served.map(({ node }) => node),
      ["tokyo"],
    );
  });
});
