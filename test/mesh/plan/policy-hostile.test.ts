/** A peer that changes its own config reaches nothing that the policy does not let it reach. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../mesh/plan/plan";
import { reachOf } from "../../../mesh/plan/reach";
import { routerOf, type RoutedMachine } from "../../support/cryptokey-router";
import { machinesOf } from "../../support/machines-of";
import { planOf } from "../../support/plan-of";
import { limitedNetworks } from "../../support/policies";

describe("a hostile peer", () => {
  it("gains nothing by wider allowed IPs", () => {
    eachAttack((plan, attacker, router) => {
      const allowed = new Set(
        reachOf(plan).flatMap(({ from, to, ports }) =>
          from === attacker && ports === undefined ? [to] : [],
        ),
      );
      const own = addressOf(plan, attacker);
      for (const { name, address } of plan.nodes) {
        if (name === attacker || allowed.has(name)) continue;
        const flood = { source: own, destination: address.text, protocol: "udp", port: 9 } as const;
        assert.equal(router.arrives(attacker, flood), false, `${attacker} -> ${name}`);
      }
    });
  });

  it("gains nothing by using another node's address", () => {
    eachAttack((plan, attacker, router) => {
      for (const victim of plan.nodes) {
        for (const target of plan.nodes) {
          if ([victim.name, target.name].includes(attacker) || victim === target) continue;
          const [source, destination] = [victim.address.text, target.address.text];
          const spoofed = { source, destination, protocol: "tcp", port: 22 } as const;
          assert.equal(
            router.arrives(attacker, spoofed),
            false,
            `${attacker} as ${victim.name} -> ${target.name}`,
          );
        }
      }
    });
  });
});

/** Each peer of a network, with all of its traffic sent to each of its neighbours in turn. */
function eachAttack(
  check: (plan: Plan, attacker: string, router: ReturnType<typeof routerOf>) => void,
): void {
  fc.assert(
    fc.property(limitedNetworks, (raw) => {
      const plan = planOf(raw);
      const machines = machinesOf(raw, plan);
      for (const machine of machines.filter(({ name }) => isPeer(plan, name))) {
        const neighbours = [...machine.text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key]) => key);
        for (const key of neighbours) {
          const widened = { ...machine, filter: undefined, text: sendingAllTo(key ?? "", machine) };
          const attacked = machines.map((one) => (one === machine ? widened : one));
          check(plan, machine.name, routerOf(attacked));
        }
      }
    }),
    { numRuns: 25 },
  );
}

/** Without its own packet filter too. */
function sendingAllTo(publicKey: string, { text }: RoutedMachine): string {
  return text
    .replace(/^AllowedIPs = .*\n/gm, "")
    .replace(
      `PublicKey = ${publicKey}\n`,
      (line) => `${line}AllowedIPs = 0.0.0.0/1, 128.0.0.0/1\n`,
    );
}

function isPeer(plan: Plan, name: string): boolean {
  return plan.nodes.some((node) => node.name === name && node.kind === "peer");
}

function addressOf(plan: Plan, name: string): string {
  return plan.nodes.find((node) => node.name === name)?.address.text ?? "";
}
