import assert from "node:assert/strict";
import { readConfig } from "../../scripts/stack/stack-file";
import { Failure } from "../../scripts/stack/failure";
import { Secret } from "../../mesh/secret";

describe("reading a stack file", () => {
  it("returns the keys of the namespace, and every secure value as a sealed secret", () => {
    const config = readConfig(
      `config:
  aws:region: ap-northeast-1
  wireguard-mesh:network: { cidr: 10.86.0.0/24 }
  wireguard-mesh:privateKeys: { tokyo: { secure: v1:a:b } }
  wireguard-mesh:presharedKeySeed: { secure: v1:c:d }
`,
      "Pulumi.test.yaml",
    );
    assert.deepEqual(Object.keys(config), ["network", "privateKeys", "presharedKeySeed"]);
    assert.deepEqual(config["network"], { cidr: "10.86.0.0/24" });
    const { tokyo } = config["privateKeys"] as Record<string, unknown>;
    assert.ok(tokyo instanceof Secret && tokyo.isSealed);
    assert.ok(config["presharedKeySeed"] instanceof Secret);
  });

  it("returns privateKeys that are encrypted as a whole as one secret", () => {
    const config = readConfig("config:\n  wireguard-mesh:privateKeys: { secure: v1:a:b }\n", "f");
    assert.ok(config["privateKeys"] instanceof Secret);
  });

  it("parses JSON that `pulumi config set` writes as text, and leaves unencrypted secrets to the validation", () => {
    const config = readConfig(
      `config:\n  wireguard-mesh:network: '{"mtu":1420}'\n  wireguard-mesh:presharedKeySeed: "123"\n`,
      "f",
    );
    assert.deepEqual(config, { network: { mtu: 1420 }, presharedKeySeed: "123" });
  });

  it("reads an unquoted date as the engine does, so that the review finds the mistake", () => {
    const config = readConfig(
      `config:\n  wireguard-mesh:peers: { a: { expires: 2026-12-31 }, b: { expires: "2026-12-31" } }\n`,
      "f",
    );
    assert.deepEqual(config["peers"], {
      a: { expires: "2026-12-31 00:00:00 +0000 UTC" },
      b: { expires: "2026-12-31" },
    });
  });

  it("follows anchors and merge keys, as the engine does", () => {
    const text = `config:
  wireguard-mesh:peers:
    a: &host { host: root@192.0.2.1, tags: [x] }
    b: { <<: *host, tags: [y] }
`;
    assert.deepEqual(readConfig(text, "f")["peers"], {
      a: { host: "root@192.0.2.1", tags: ["x"] },
      b: { host: "root@192.0.2.1", tags: ["y"] },
    });
  });

  const wrong: [string, string, string][] = [
    ["invalid YAML", "config: [", "f cannot be read at line 1, column 10: "],
    ["a list", "- a", "f is not a stack file"],
    ["a missing config", "encryptionsalt: x", "f has no `config:`"],
    ["a config that is not a map", "config: 1", "`config:` of f is not a map"],
  ];
  for (const [what, text, message] of wrong) {
    it(`refuses ${what} as wrong usage`, () => {
      assert.throws(
        () => readConfig(text, "f"),
        (problem) =>
          problem instanceof Failure &&
          problem.exitCode === 2 &&
          problem.message.startsWith(message),
      );
    });
  }

  const unreadable: [what: string, text: string, message: RegExp, remedy: RegExp][] = [
    [
      "a second document",
      "config: {}\n---\nconfig: {}\n",
      /line 2.*second document/,
      /remove.*---/,
    ],
    ["an alias without anchor", "config:\n  x: *a\n", /line 2.*no anchor "a"/, /&a/],
    ["an alias in itself", "config: &a\n  x: [*a]\n", /line 2.*"a" contains itself/, /write/],
    [
      "a key that is no text",
      "config:\n  ? [a]\n  : 1\n",
      /line 2.*key is not plain text/,
      /NAME: VALUE/,
    ],
    ["a key twice", "config:\n  x: 1\n  x: 2\n", /line 3.*twice/, /remove one/],
    [
      "an IPv6 endpoint",
      "config:\n  x: [2001:db8::1]:51820\n",
      /line 2.*address in brackets.*without quotes/,
      /quotes.*\[2001:db8::1\]:51820/,
    ],
    ["a tab", "config:\n\tx: 1\n", /line 2.*tab/, /spaces/],
    ["a merge of no map", "config:\n  x: { <<: 1 }\n", /line 2.*not a map/, /<<: \*NAME/],
    ["a tag of YAML", "config:\n  x: !!binary aGVsbG8=\n", /line 2.*tag/, /remove the tag/],
  ];
  for (const [what, text, message, remedy] of unreadable) {
    it(`refuses ${what}, with the line and a remedy`, () => {
      assert.throws(
        () => readConfig(text, "f"),
        (problem) =>
          problem instanceof Failure &&
          problem.exitCode === 2 &&
          message.test(problem.message) &&
          remedy.test(problem.remedy ?? ""),
      );
    });
  }

  it("refuses aliases that expand without bound", () => {
    const levels = Array.from({ length: 30 }, (_, index) => {
      const inner = index === 0 ? "1" : `*l${index - 1}`;
      return `  l${index}: &l${index} [${inner}, ${inner}]\n`;
    });
    assert.throws(() => readConfig(`config:\n${levels.join("")}`, "f"), /too many values/);
  });

  it("does not quote the text in its error, because it may contain an unencrypted key", () => {
    const key = "SGb+ojrRvSUoIuMq/WK8lN8nwFZ4sWV7CPkpWxbLSHo=";
    assert.throws(
      () => readConfig(`config:\n  x: "${key}\n  y: [`, "f"),
      (problem) => problem instanceof Failure && !problem.message.includes(key.slice(0, 20)),
    );
  });
});
