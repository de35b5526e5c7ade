import assert from "node:assert/strict";
import fc from "fast-check";
import { joinTexts, splitTexts } from "../../../mesh/review/device-texts";

describe("the texts of devices in one", () => {
  it("name the device in each line", () => {
    const texts = [
      ["phone", "[Interface]\nMTU = 1380\n\n[Peer]\n"],
      ["tablet", "[Interface]\n"],
    ] as const;
    assert.equal(
      joinTexts(texts),
      "phone: [Interface]\nphone: MTU = 1380\nphone:\nphone: [Peer]\ntablet: [Interface]\n",
    );
    assert.equal(joinTexts([]), "");
  });

  it("are the same after they were joined and split", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
    const text = fc.array(fc.stringMatching(/^[ -~]{0,20}$/), { minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(name, text), (lines) => {
        const texts = new Map(
          Object.entries(lines).map(([device, all]) => [device, `${all.join("\n")}\n`]),
        );
        assert.deepEqual(splitTexts(joinTexts(texts)), texts);
      }),
    );
  });
});
