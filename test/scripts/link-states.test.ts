import assert from "node:assert/strict";
import { awaitLinks } from "../../scripts/stack/link-states";
import { asPlanned, plan, plannedAs, reached } from "./support/planned-network";

const ACCESS = { ...plannedAs(plan), sshPrivateKey: null };

describe("awaitLinks", () => {
  it("does not ask hosts that have answered already", async () => {
    const asked: string[][] = [];
    const known = new Map([["nas", reached(asPlanned(plan, "nas", 20))]]);
    await awaitLinks(plan.nodes, ACCESS, known, (some) => {
      asked.push(some.map(({ name }) => name));
      return Promise.resolve(
        new Map(some.map(({ name }) => [name, reached(asPlanned(plan, name, 20))])),
      );
    });
    assert.deepEqual(asked, [["tokyo", "vps"]]);
  });

  it("asks only the hosts of dead links again, until they have a handshake", async () => {
    const asked: string[][] = [];
    const links = await awaitLinks(plan.nodes, ACCESS, new Map(), (some) => {
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
    });
    assert.deepEqual(
      links.map(({ state }) => state),
      links.map(() => "alive"),
    );
    assert.equal(
      links.some(({ a, b }) => a === "phone" || b === "phone"),
      true,
    );
    assert.deepEqual(asked[0], ["nas", "tokyo", "vps"]);
  });
});
