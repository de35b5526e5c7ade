import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { addIn, removeIn, setIn } from "../../scripts/stack/yaml-edit";

const FILE = `# Our network
encryptionsalt: v1:x

config:
    # the tunnel
    wireguard-mesh:network:   { cidr: 10.86.0.0/24 }   # never change
    wireguard-mesh:peers:
        # Taro's
        desktop:  { address: 10.86.0.2, subnets: [192.168.1.0/24] }   # at home

        laptop:
            address:   "10.86.0.3"
    # done
`;

describe("edits of a stack file", () => {
  it("add a node as new lines and change no other character", () => {
    const edited = addIn(FILE, ["config", "wireguard-mesh:peers", "phone"], {
      address: "10.86.0.4",
      tags: ["guest"],
    });
    const lines = [
      "        phone:",
      "          address: 10.86.0.4",
      "          tags:",
      "            - guest",
      "",
    ];
    const at = FILE.indexOf("    # done");
    assert.equal(edited, FILE.slice(0, at) + lines.join("\n") + FILE.slice(at));
  });

  it("write a node on one line if its neighbour is on one line", () => {
    const before = "config:\n  a:peers:\n    desktop: { address: 10.86.0.2 }\n";
    assert.equal(
      addIn(before, ["config", "a:peers", "phone"], { address: "10.86.0.3", tags: ["x", "a, b"] }),
      `${before}    phone: { address: 10.86.0.3, tags: [x, "a, b"] }\n`,
    );
  });

  it("add missing maps, also in an empty file and in one with only comments", () => {
    const added = "config:\n  a:peers:\n    phone:\n      address: 10.86.0.3\n";
    const add = (text: string) =>
      addIn(text, ["config", "a:peers", "phone"], { address: "10.86.0.3" });
    assert.equal(add(""), added);
    assert.equal(add("# mine"), `# mine\n${added}`);
    assert.equal(add("config: {}\n"), added);
    assert.equal(add("config:\n  a:peers: {} # none\n"), added.replace("peers:", "peers: # none"));
  });

  it("quote a date, which the engine's YAML parser would read as a time", () => {
    assert.equal(addIn("", ["expires"], "2026-12-31"), 'expires: "2026-12-31"\n');
  });

  it("set only the entries of a map that differ, and remove those that are gone", () => {
    const before = `config:
  wireguard-mesh:delivered: # by the commands
    phone:
      config: aaaa # first
      # who
      knows: { tokyo: KEY1, osaka: KEY2 }
      file: bbbb
`;
    const path = ["config", "wireguard-mesh:delivered", "phone"];
    assert.equal(
      setIn(before, path, { config: "cccc", knows: { tokyo: "KEY3" }, file: "0123" }),
      before
        .replace("aaaa", "cccc")
        .replace("tokyo: KEY1, osaka: KEY2", "tokyo: KEY3")
        .replace("bbbb", '"0123"'),
    );
  });

  it("write a value where there is none, before the comment", () => {
    assert.equal(
      setIn("a:\n  b: # later\n  c: 1\n", ["a", "b"], "x"),
      "a:\n  b: x # later\n  c: 1\n",
    );
    assert.equal(setIn("a: { b: ~ }\n", ["a", "b"], 7), "a: { b: 7 }\n");
  });

  it("edit a file that is JSON", () => {
    const before = '{"config":{"a:peers":{"laptop":{"address":"10.86.0.2"}}}}\n';
    const added = addIn(before, ["config", "a:peers", "phone"], { address: "10.86.0.3" });
    assert.deepEqual(parse(added), {
      config: { "a:peers": { laptop: { address: "10.86.0.2" }, phone: { address: "10.86.0.3" } } },
    });
    assert.equal(removeIn(added, ["config", "a:peers", "phone"]), before);
    assert.equal(removeIn(before, ["config", "a:peers", "laptop"]), '{"config":{"a:peers":{}}}\n');
  });

  it("take the value of an alias as that of one entry only", () => {
    const before = "a: &k 1\nb: *k\n";
    assert.equal(setIn(before, ["b"], 2), "a: &k 1\nb: 2\n");
    assert.throws(() => setIn(before, ["a"], 2), /a cannot be changed without changing more/);
    assert.throws(() => removeIn(before, ["a"]), /a cannot be changed without changing more/);
    const shared = "x: &x\n  a: 1\ny: *x\n";
    assert.throws(
      () => addIn(shared, ["x", "b"], 2),
      /x\.b cannot be changed without changing more/,
    );
  });

  it("refuse what comes from a merge, and a map that is encrypted as a whole", () => {
    const merged = "x: &x { phone: { address: 1 } }\npeers:\n  <<: *x\n  laptop: { address: 2 }\n";
    assert.throws(() => removeIn(merged, ["peers", "phone"]), /comes from an alias or a merge/);
    assert.throws(() => setIn(merged, ["peers", "phone"], 1), /comes from an alias or a merge/);
    const sealed = "keys: { secure: v1:a }\n";
    assert.throws(() => removeIn(sealed, ["keys", "phone"]), /keys is encrypted as a whole/);
    assert.throws(() => addIn(sealed, ["keys", "phone"], 1), /keys is encrypted as a whole/);
    assert.equal(setIn(sealed, ["keys"], { secure: "v1:b" }), "keys: { secure: v1:b }\n");
  });

  it("refuse to overwrite", () => {
    assert.throws(
      () => addIn(FILE, ["config", "wireguard-mesh:peers", "laptop"], {}),
      /set already/,
    );
  });

  it("remove a node with the comments in its lines, and nothing else: a comment above may be about more than that node", () => {
    const lines = [
      "        desktop:  { address: 10.86.0.2, subnets: [192.168.1.0/24] }   # at home",
      "",
    ];
    assert.equal(
      removeIn(FILE, ["config", "wireguard-mesh:peers", "desktop"]),
      FILE.replace(lines.join("\n"), ""),
    );
  });

  it("leave an empty map when the last node is removed, because `peers` is required", () => {
    const one = "config:\n  a:peers: # all\n    phone: { address: 10.86.0.3 } # x\n";
    assert.deepEqual(parse(removeIn(one, ["config", "a:peers", "phone"])), {
      config: { "a:peers": {} },
    });
  });

  it("change nothing when there is nothing to remove", () => {
    assert.equal(removeIn(FILE, ["config", "wireguard-mesh:peers", "phone"]), FILE);
    assert.equal(removeIn(FILE, ["config", "wireguard-mesh:privateKeys", "phone"]), FILE);
  });

  it("have the intended effect for any text: reading after adding returns the value, removing restores the file", () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom("yes", "~", "1e3", "2026-01-01", "a: b", "# c"),
    );
    const value = fc.dictionary(
      fc.constantFrom("address", "host", "tags"),
      fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { maxLength: 3 })),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), fc.boolean(), value, (others, flow, added) => {
        const start = flow
          ? "config:\n  peers: {first: {address: a}}\n"
          : "config:\n  peers:\n    first: {address: a}\n";
        const path = (name: string) => ["config", "peers", name];
        const before = others.reduce(
          (file, other, at) => addIn(file, path(`p${at}`), other),
          start,
        );
        const after = addIn(before, path("new"), added);
        const plain = (object: object) => ({ ...object });
        assert.deepEqual(parse(after), {
          config: {
            peers: {
              first: { address: "a" },
              ...Object.fromEntries(others.map((other, at) => [`p${at}`, plain(other)])),
              new: plain(added),
            },
          },
        });
        assert.deepEqual(parse(removeIn(after, path("new"))), parse(before));
        if (!flow) assert.equal(removeIn(after, path("new")), before);
      }),
    );
  });
});
