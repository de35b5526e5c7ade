/** Placeholders and the facts that replace them. */
import assert from "node:assert/strict";
import { hostTargets, machineId } from "../../../mesh/plan/host-targets";
import { fillFacts, relaysWithPlaceholders } from "../../../mesh/render/known-facts";
import { renderRedacted } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import { LOGIN_KEY } from "../../support/ec2-stacks";
import { hostKeyLine } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";

const facts = {
  tokyo: { address: "203.0.113.50", instanceId: "i-1" },
  osaka: { address: "203.0.113.51", instanceId: "i-2" },
};

describe("facts", () => {
  it("replace every placeholder of their relay", () => {
    const text = "Endpoint = <eip:tokyo>:51820\n<instance:osaka>:KEY <eip:tokyo>\n";
    assert.deepEqual(relaysWithPlaceholders(text), ["tokyo", "osaka"]);
    assert.equal(fillFacts(text, facts), "Endpoint = 203.0.113.50:51820\ni-2:KEY 203.0.113.50\n");
  });

  it("do not change a text without placeholders", () => {
    assert.deepEqual(relaysWithPlaceholders("a < b > c"), []);
    assert.equal(fillFacts("a < b > c", {}), "a < b > c");
  });

  it("must be complete", () => {
    assert.throws(() => fillFacts("<eip:kyoto>", facts), /no instance known for kyoto/);
  });
});

describe("the plan of a network with an ec2 relay", () => {
  const ec2 = { adminCidrs: ["203.0.113.7/32"], authorizedKeys: [LOGIN_KEY] };
  const plan = planOf(
    changed({
      privateKeys: Secret.sealed(),
      sshAuthoritySeed: Secret.sealed(),
      relays: { tokyo: { endpoint: undefined, ec2 } },
      peers: { desktop: { host: "taro@via:tokyo", hostKey } },
    }),
  );

  it("has placeholders for facts that only AWS sets", () => {
    assert.match(
      renderRedacted(nodeIn(plan, "laptop"), plan.network),
      /^Endpoint = <eip:tokyo>:51820$/m,
    );
    assert.equal(machineId(nodeIn(plan, "tokyo")), "<instance:tokyo>");
  });

  it("accepts only a certificate for the instance, at the relay and as a jump host", () => {
    const publicKey = hostKeyLine(5);
    const hop = {
      user: "admin",
      address: "<eip:tokyo>",
      port: 22,
      hostKeys: [],
      authority: { publicKey, principal: "wireguard-mesh-<instance:tokyo>" },
    };
    assert.deepEqual(hostTargets(nodeIn(plan, "tokyo"), plan, publicKey), [
      { kind: "ssh", hop, via: [] },
    ]);
    const [way] = hostTargets(nodeIn(plan, "desktop"), plan, publicKey);
    assert.deepEqual(way?.kind === "ssh" ? way.via : null, [hop]);
  });
});
