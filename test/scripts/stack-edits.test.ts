/** Laws of every edit of a stack file, for random files. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../../scripts/stack/failure";
import { addIn, removeIn, setIn } from "../../scripts/stack/yaml-edit";
import { parseYaml } from "../../scripts/stack/yaml-values";
import { stackTexts, type StackText } from "./support/stack-texts";

const path = (name: string) => ["config", "wireguard-mesh:peers", name];
const PEER = { address: "10.86.0.99", tags: ["guest"], listenPort: 51820 };

type Values = { config: Record<string, Record<string, unknown>> };
const valuesOf = (text: string) => parseYaml(text, "f").values as Values;
const peersOf = (text: string) => valuesOf(text).config["wireguard-mesh:peers"] ?? {};

/** Every comment has a number in these files. */
const commentsOf = (text: string) =>
  [...text.matchAll(/# \d+ .*?(?=\r?\n|$)/g)].map(([one]) => one);
const lineEnds = (text: string) => [...new Set(text.match(/\r?\n/g))];

const check = (law: (file: StackText) => void) => {
  fc.assert(fc.property(stackTexts, law), { numRuns: 500 });
};

describe("every edit of a stack file", () => {
  it("adds exactly the entry, keeps every comment in its order and the line ends; removing it gives the former values back", () => {
    check(({ text, refusal }) => {
      if (refusal !== null) return;
      const added = addIn(text, path("new"), PEER);
      assert.deepEqual(peersOf(added), { ...peersOf(text), new: PEER });
      assert.deepEqual(commentsOf(added), commentsOf(text));
      assert.deepEqual(lineEnds(added), lineEnds(text));
      const removed = removeIn(added, path("new"));
      assert.deepEqual(peersOf(removed), peersOf(text));
      assert.deepEqual(
        { ...valuesOf(removed).config, "wireguard-mesh:peers": {} },
        {
          ...valuesOf(text).config,
          "wireguard-mesh:peers": {},
        },
      );
      assert.deepEqual(commentsOf(removed), commentsOf(text));
    });
  });

  it("leaves no trace when a peer is added and removed beside others", () => {
    check(({ text, refusal, peers }) => {
      if (refusal !== null || peers.length === 0) return;
      const again = removeIn(addIn(text, path("new"), PEER), path("new"));
      // A multi-line flow map without a comma at its end gets one when it grows; a last line gets its line end.
      assert.equal(again.replace(/,|\r?\n$/g, ""), text.replace(/,|\r?\n$/g, ""));
    });
  });

  it("removes exactly the entry; of the comments only those in its own lines", () => {
    check(({ text, refusal, peers }) => {
      if (refusal !== null) return;
      for (const name of peers) {
        const removed = removeIn(text, path(name));
        const { [name]: gone, ...others } = peersOf(text);
        assert.notEqual(gone, undefined);
        assert.deepEqual(peersOf(removed), others);
        const lost = commentsOf(text).filter((one) => !commentsOf(removed).includes(one));
        const own = linesOf(name, text);
        assert.ok(
          lost.every((comment) => own.includes(comment)),
          lost.join("\n"),
        );
      }
    });
  });

  it("sets exactly the value", () => {
    check(({ text, refusal, peers }) => {
      const [name] = peers;
      if (refusal !== null || name === undefined) return;
      const edited = setIn(text, [...path(name), "address"], "10.86.0.77");
      assert.deepEqual(peersOf(edited)[name], {
        ...(peersOf(text)[name] as object),
        address: "10.86.0.77",
      });
      assert.deepEqual(commentsOf(edited), commentsOf(text));
      assert.equal(
        edited.replace("10.86.0.77", '"10.86.0.2"').replaceAll('"', ""),
        text.replaceAll('"', ""),
      );
    });
  });

  it("is refused with the reason where the peers are JSON text or an alias", () => {
    check(({ text, refusal }) => {
      if (refusal === null) return;
      for (const edit of [
        () => addIn(text, path("new"), PEER),
        () => removeIn(text, path("p0")),
        () => setIn(text, path("p0"), PEER),
      ]) {
        assert.throws(
          edit,
          (problem) => problem instanceof Failure && refusal.test(problem.message),
        );
      }
    });
  });
});

/** From the entry's key to the next entry's, or to the end of the map. */
function linesOf(name: string, text: string): string {
  const start = text.search(new RegExp(`^.*\\b${name}:`, "m"));
  const rest = text.slice(start);
  const next = rest.slice(1).search(new RegExp(`^.*\\bp${Number(name.slice(1)) + 1}:`, "m"));
  return next < 0 ? rest : rest.slice(0, next + 1);
}
