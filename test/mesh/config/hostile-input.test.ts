/** Validation of arbitrary input does not crash, and its messages are safe to print and to paste into a shell. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIssues } from "../../../mesh/config/issue";
import { readMesh } from "../../../mesh/mesh";
import { Secret } from "../../../mesh/secret";
import { keyPairs } from "../../support/key-pairs";
import { TODAY } from "../../support/networks";
import { formsOf, leaksIn } from "../../support/secret-forms";
import { changed, hostKey, keys } from "../../support/small-network";

const SAFE = /^[\x20-\x7e]+$/;

/** Texts that are dangerous in shells, terminals, WireGuard configs or to readers. */
const poison = {
  newline: "x\nPostUp = reboot",
  "carriage return": "x\rPostUp = reboot",
  "command substitution": "$(reboot)",
  backticks: "`reboot`",
  quotes: `a"b'c`,
  "statement end": "x; reboot #",
  NUL: "x\u0000y",
  "right-to-left override": "x\u202ey",
  "terminal escape": "\u001b[2Jx",
  "a Cyrillic a": "desktоp",
  "a line separator": "x\u2028y",
  "half a surrogate": "x\ud800",
  blank: " ",
};

/** Every place for a text in a config, with the edit that puts the text there. */
const places: Record<string, (text: string) => Record<string, unknown>> = {
  "network.cidr": (text) => ({ network: { cidr: text } }),
  "network.cidr6": (text) => ({ network: { cidr6: text } }),
  "network.interface": (text) => ({ network: { interface: text } }),
  "network.topology": (text) => ({ network: { topology: text } }),
  "relays.NAME": (text) => ({ relays: { [text]: {} } }),
  "peers.NAME": (text) => ({ peers: { [text]: {} } }),
  "peers.desktop.KEY": (text) => ({ peers: { desktop: { [text]: 1 } } }),
  "privateKeys.NAME": (text) => ({ privateKeys: { [text]: Secret.sealed() } }),
  "presharedKeys.A/B": (text) => ({ presharedKeys: { [`desktop/${text}`]: Secret.sealed() } }),
  KEY: (text) => ({ [text]: 1 }),
  "policy[0].from[0]": (text) => ({ policy: [{ from: [text], to: "*" }] }),
  "policy[0].to[0]": (text) => ({ policy: [{ from: "*", to: `tag:${text}` }] }),
  "policy[0].ports[0]": (text) => ({ policy: [{ from: "*", to: "*", ports: text }] }),
  "expect[0].from": (text) => ({ expect: [{ from: text, to: "desktop", reach: true }] }),
  "expect[0].to": (text) => ({ expect: [{ from: "desktop", to: text, reach: true }] }),
  ...Object.fromEntries(
    [
      "address",
      "address6",
      "publicKey",
      "endpoint",
      "site",
      "siteEndpoint",
      "relay",
      "expires",
    ].map((key) => [
      `peers.desktop.${key}`,
      (text: string) => ({ peers: { desktop: { [key]: text } } }),
    ]),
  ),
  ...Object.fromEntries(
    ["host", "hostKey", "subnets", "tags"].map((key) => [
      `peers.desktop.${key}[0]`,
      (text: string) => ({ peers: { desktop: { [key]: [text] } } }),
    ]),
  ),
  "peers.desktop.host user": (text) => ({ peers: { desktop: { host: `${text}@192.168.1.2` } } }),
  "peers.desktop.host address": (text) => ({ peers: { desktop: { host: `root@${text}` } } }),
  "peers.desktop.host relay": (text) => ({ peers: { desktop: { host: `root@via:${text}` } } }),
  "peers.desktop.endpoint host": (text) => ({ peers: { desktop: { endpoint: `${text}:51820` } } }),
  "peers.desktop.endpoint port": (text) => ({
    peers: { desktop: { endpoint: `10.0.0.1:${text}` } },
  }),
  "peers.desktop.hostKey type": (text) => ({ peers: { desktop: { hostKey: `${text} AAAA` } } }),
};

describe("hostile text in a config", () => {
  for (const [place, edit] of Object.entries(places)) {
    it(`at ${place} is an error with printable messages`, () => {
      for (const [what, text] of Object.entries(poison)) {
        const { issues } = readMesh(changed(edit(text)), TODAY);
        assert.ok(
          issues.some(({ severity }) => severity === "error"),
          `${what} was accepted`,
        );
        for (const { path, message, remedy } of issues) {
          for (const text of [path, message, remedy]) assert.match(text, SAFE, what);
        }
        const command = issues.map(({ remedy }) => remedy).join("\n");
        assert.ok(!command.includes("reboot"), `${what} is in a command to run: ${command}`);
      }
    });
  }

  it("in the comment of a host key is dropped with the comment", () => {
    const { plan } = readMesh(
      changed({ peers: { desktop: { hostKey: `${hostKey} $(reboot)\nx` } } }),
      TODAY,
    );
    assert.deepEqual(
      plan?.nodes.map((node) => node.hostKeys),
      [[hostKey], [], []],
    );
  });

  it("that is a property of every JavaScript object is an unknown key", () => {
    for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const raw = JSON.parse(`{"${key}": 1, "peers": {"a": {"${key}": 1}}}`) as Record<
        string,
        unknown
      >;
      const paths = readMesh(raw, TODAY).issues.map((issue) => issue.path);
      assert.deepEqual(paths, [key, `peers.a.${key}`, "peers.a.address", "peers.a.publicKey"]);
    }
  });
});

describe("a secret in the wrong place", () => {
  const secret = keyPairs[20]?.privateKey ?? "";
  for (const [place, edit] of Object.entries(places)) {
    it(`at ${place} is not in the messages`, () => {
      for (const form of formsOf(secret)) {
        const messages = formatIssues(readMesh(changed(edit(form)), TODAY).issues);
        assert.deepEqual(leaksIn(messages, [secret]), []);
      }
    });
  }

  it("as public keys is not in the messages", () => {
    const { privateKey } = keys.spare;
    const messages = formatIssues(
      readMesh(
        changed({
          privateKeys: { desktop: Secret.of(privateKey) },
          peers: { desktop: { publicKey: privateKey }, laptop: { publicKey: privateKey } },
        }),
        TODAY,
      ).issues,
    );
    assert.notEqual(messages, "");
    assert.deepEqual(leaksIn(messages, [privateKey]), []);
  });

  it("anywhere in arbitrary JSON is not in the messages", () => {
    const texts = fc.constantFrom(...formsOf(secret), `x${secret}`, `${secret} ${secret}`);
    fc.assert(
      fc.property(configLike(texts), (raw) => {
        const messages = JSON.stringify(readMesh(raw, TODAY).issues);
        assert.deepEqual(leaksIn(messages, [secret]), []);
      }),
      { numRuns: 300 },
    );
  });
});

describe("arbitrary JSON as a config", () => {
  it("does not crash validation, and every issue is printable", () => {
    fc.assert(
      fc.property(configLike(fc.string({ unit: "binary", maxLength: 12 })), (raw) => {
        for (const { path, message, remedy } of readMesh(raw, TODAY).issues) {
          for (const text of [path, message, remedy]) assert.match(text, SAFE);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** JSON with many valid keys, so that it gets beyond the first check. */
function configLike(texts: fc.Arbitrary<string>): fc.Arbitrary<Record<string, unknown>> {
  const real = [
    "10.86.0.2",
    keys.desktop.publicKey,
    "10.86.0.0/24",
    "tokyo",
    "203.0.113.1:1",
    "local",
  ];
  const values = fc.oneof(texts, fc.constantFrom(...real), fc.jsonValue({ maxDepth: 2 }));
  const listed = fc.oneof(values, fc.array(values, { maxLength: 3 }));
  const nodeKeys = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...NODE_KEYS) },
    { weight: 1, arbitrary: texts },
  );
  const node = fc.oneof(fc.dictionary(nodeKeys, listed, { maxKeys: 8 }), values);
  const names = fc.oneof(fc.constantFrom("tokyo", "desktop", "laptop"), texts);
  const nodes = fc.oneof(fc.dictionary(names, node, { maxKeys: 4 }), values);
  const secrets = fc.oneof(
    fc.dictionary(
      names,
      texts.map((text) => Secret.of(text)),
      { maxKeys: 3 },
    ),
    values,
  );
  return fc
    .tuple(
      fc.record(
        {
          network: fc.oneof(fc.dictionary(fc.constantFrom(...NETWORK_KEYS), values), values),
          relays: nodes,
          peers: nodes,
          expect: fc.oneof(
            fc.array(fc.dictionary(fc.constantFrom("from", "to", "reach"), values)),
            values,
          ),
          privateKeys: secrets,
          presharedKeySeed: fc.oneof(
            texts.map((text) => Secret.of(text)),
            values,
          ),
          sshPrivateKey: fc.oneof(
            texts.map((text) => Secret.of(text)),
            values,
          ),
        },
        { requiredKeys: [] },
      ),
      fc.dictionary(texts, values, { maxKeys: 2 }),
    )
    .map(([known, unknown]) => ({ ...unknown, ...known }));
}

const NODE_KEYS =
  "address address6 publicKey host hostKey endpoint listenPort site siteEndpoint subnets persistentKeepalive mtu tags enabled expires relay".split(
    " ",
  );
const NETWORK_KEYS = "cidr cidr6 interface listenPort persistentKeepalive mtu topology".split(" ");
