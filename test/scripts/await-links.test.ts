import assert from "node:assert/strict";
import { awaitLinks } from "../../scripts/commands/up/await-links";
import { NONE_MADE } from "../../scripts/stack/made-instances";
import { asPlanned, OWNER, plan, reached } from "./support/asked-network";

describe("waiting for the tunnels after an up", () => {
  it("asks again only the hosts of dead links, until they have shaken hands", async () => {
    const asked: string[][] = [];
    const links = await awaitLinks(
      plan.nodes,
      { plan, owner: OWNER, sshPrivateKey: null, made: NONE_MADE },
      (some) => {
        asked.push(some.map(({ name }) => name));
        const late = asked.length === 1 ? null : 1;
        return Promise.resolve(
          new Map(
            some.map(({ name }) => [
              name,
              reached(asPlanned(plan, name, name === "nas" ? late : 20)),
            ]),
          ),
        );
      },
    );
    assert.deepEqual(
      links.map(({ state }) => state),
      links.map(() => "alive"),
    );
    assert.equal(
      links.some(({ a, b }) => a === "phone" || b === "phone"),
      false,
    );
    assert.deepEqual(asked[0], ["nas", "tokyo", "vps"]);
  });
});
