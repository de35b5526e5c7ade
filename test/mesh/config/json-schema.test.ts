/** docs/config.schema.json, as an editor applies it: what it accepts, and which mistakes it finds. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import fc from "fast-check";
import { parse } from "yaml";
import { stackFileSchema } from "../../../mesh/config/json-schema";
import { hasErrors } from "../../../mesh/config/issue";
import type { RawConfig } from "../../../mesh/config/read-draft";
import { readMesh } from "../../../mesh/mesh";
import { Secret } from "../../../mesh/secret";
import { networks, TODAY } from "../../support/networks";
import { limitedNetworks } from "../../support/policies";
import { changed, keys } from "../../support/small-network";
import { tables } from "./issue-rows/all-rows";

const NAMESPACE = "wireguard-mesh:";
const ROOT = path.join(__dirname, "../../..");
const STACK_FILES = path.join(ROOT, "test/scripts/fixtures/stackfiles");
const SEALED = { secure: "v1:AAAA:BBBB" };

const ajv = new Ajv({ strict: true, allErrors: true, strictTypes: false });
// Not part of JSON Schema, but supported by editors.
ajv.addKeyword("patternErrorMessage");
const validate = ajv.compile(stackFileSchema(NAMESPACE));

/** The places in the file that the schema objects to. */
function objections(file: unknown): string[] {
  if (validate(file)) return [];
  const places = (validate.errors ?? []).map(({ instancePath, params, keyword }) => {
    const { additionalProperty, missingProperty } = params as Record<string, string | undefined>;
    return `${instancePath.replace(/^\/config\/wireguard-mesh:/, "")} ${additionalProperty ?? missingProperty ?? keyword}`;
  });
  return [...new Set(places)];
}

/** The config as it stands in a stack file. */
function fileOf(config: RawConfig): unknown {
  const entries = Object.entries(sealed(config) as object);
  return { config: Object.fromEntries(entries.map(([key, value]) => [NAMESPACE + key, value])) };
}

function sealed(value: unknown): unknown {
  if (value instanceof Secret) return SEALED;
  if (Array.isArray(value)) return value.map(sealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sealed(inner)]));
}

describe("the JSON Schema of stack files", () => {
  it("accepts every config of the tables of issues that has no error", () => {
    const valid = Object.values(tables)
      .flat()
      .filter(({ issues }) => issues.every(([, severity]) => severity === "warning"));
    assert.ok(valid.length >= 20, String(valid.length));
    for (const { title, raw } of valid) assert.deepEqual(objections(fileOf(raw)), [], title);
  });

  it("accepts every random network", () => {
    const accepted = (raw: object) => {
      assert.deepEqual(objections(fileOf({ ...raw })), []);
    };
    fc.assert(fc.property(networks, accepted), { numRuns: 200 });
    fc.assert(fc.property(limitedNetworks, accepted), { numRuns: 100 });
  });

  it("accepts the stack files of the tests if each single value is valid", () => {
    const wrong: Record<string, string[]> = {};
    for (const name of readdirSync(STACK_FILES)) {
      const text = readFileSync(path.join(STACK_FILES, name), "utf8");
      const found = objections(parse(text, { merge: true, logLevel: "silent" }));
      if (found.length > 0) wrong[name] = found;
    }
    // `!secret KEY` is a key in plain text.
    assert.deepEqual(wrong, { "tag-secret.yaml": ["privateKeys/phone type"] });
  });

  it("accepts the committed example, also when it is no longer a comment", () => {
    const text = readFileSync(path.join(ROOT, "Pulumi.dev.yaml"), "utf8");
    assert.deepEqual(objections(parse(text)), []);
    const example = text
      .slice(text.indexOf("# config:"), text.lastIndexOf("config: {}"))
      .replaceAll(/^# /gm, "")
      .replaceAll("publicKey: ...", `publicKey: ${keys.laptop.publicKey}`);
    assert.deepEqual(objections(parse(example)), []);
  });

  it("accepts Pulumi's own keys, and the config of other packages", () => {
    const { config } = fileOf(changed()) as { config: object };
    const others = { "aws:region": "ap-northeast-1", "pulumi:disable-default-providers": ["*"] };
    const encryption = { secretsprovider: "awskms://x", encryptedkey: "AA", encryptionsalt: "v1:" };
    const file = { ...encryption, environment: ["prod"], config: { ...config, ...others } };
    assert.deepEqual(objections(file), []);
  });

  it("accepts sections as JSON text, empty ones, and a map of keys that is one secret", () => {
    const forms = { relays: "{}", policy: "[]", network: null, expect: "[]", privateKeys: SEALED };
    assert.deepEqual(objections(fileOf({ peers: {}, ...forms })), []);
  });

  const mistakes: [title: string, edits: Record<string, unknown>, place: string][] = [
    ["an unknown section", { peerz: {} }, "/config wireguard-mesh:peerz"],
    ["an unknown key", { network: { mtuu: 1420 } }, "network mtuu"],
    ["an unknown key of a node", { peers: { desktop: { adress: "" } } }, "peers/desktop adress"],
    ["a key of relays", { peers: { desktop: { exit: true } } }, "peers/desktop exit"],
    ["no address", { peers: { nas: { publicKey: keys.laptop.publicKey } } }, "peers/nas address"],
    ["a name with capitals", { peers: { Phone: null } }, "peers pattern"],
    ["a port out of range", { network: { listenPort: 70000 } }, "network/listenPort maximum"],
    ["a port in quotes", { network: { listenPort: "51820" } }, "network/listenPort type"],
    ["a word that is no choice", { network: { topology: "mesh" } }, "network/topology enum"],
    [
      "an endpoint without a port",
      { relays: { tokyo: { endpoint: "a.b" } } },
      "relays/tokyo/endpoint pattern",
    ],
    [
      "a host without a user",
      { peers: { desktop: { host: "192.168.1.20" } } },
      "peers/desktop/host pattern",
    ],
    ["an empty list of hosts", { peers: { desktop: { host: [] } } }, "peers/desktop/host minItems"],
    [
      "a LAN without a length",
      { peers: { desktop: { subnets: ["10.0.0.0"] } } },
      "peers/desktop/subnets/0 pattern",
    ],
    ["yes for true", { peers: { desktop: { enabled: "yes" } } }, "peers/desktop/enabled type"],
    [
      "a public key that is cut",
      { peers: { desktop: { publicKey: "AAAA=" } } },
      "peers/desktop/publicKey pattern",
    ],
    [
      "an encrypted public key",
      { peers: { desktop: { publicKey: Secret.sealed() } } },
      "peers/desktop/publicKey type",
    ],
    ["encrypted peers", { peers: Secret.sealed() }, "peers/secure type"],
    [
      "a private key in plain text",
      { privateKeys: { desktop: "AAAA" } },
      "privateKeys/desktop type",
    ],
    ["a seed in plain text", { presharedKeySeed: "AAAA" }, "presharedKeySeed type"],
    ["a policy that is a map", { policy: { from: "a", to: "b" } }, "policy type"],
    [
      "a port without a protocol",
      { policy: [{ from: "a", to: "b", ports: "443" }] },
      "policy/0/ports pattern",
    ],
    ["an expectation without a verdict", { expect: [{ from: "a", to: "b" }] }, "expect/0 reach"],
    ["ec2 without adminCidrs", { relays: { tokyo: { ec2: {} } } }, "relays/tokyo/ec2 adminCidrs"],
    ["an unknown key of ec2", { relays: { tokyo: { ec2: { ami: 1 } } } }, "relays/tokyo/ec2 ami"],
  ];
  for (const [title, edits, place] of mistakes) {
    it(`finds ${title}, as the program does`, () => {
      const config = changed(edits);
      const found = objections(fileOf(config));
      assert.ok(found.includes(place), found.join(", "));
      assert.ok(hasErrors(readMesh(config, TODAY).issues));
    });
  }

  it("finds a key without the namespace, and an unknown top-level key", () => {
    assert.deepEqual(objections({ config: { peers: {} } }), ["/config peers"]);
    assert.deepEqual(objections({ peers: {} }), [" peers"]);
  });

  it("shows only examples and defaults that it accepts itself", () => {
    const wrong: string[] = [];
    const visit = (schema: Record<string, unknown>, place: string): void => {
      const { examples = [], default: value } = schema;
      const shown = [...(examples as unknown[]), ...(value === undefined ? [] : [value])];
      const isValid = ajv.compile({ ...schema, examples: undefined, default: undefined });
      for (const one of shown) if (!isValid(one)) wrong.push(`${place}: ${String(one)}`);
      for (const inner of ["properties", "patternProperties"])
        for (const [key, next] of Object.entries(schema[inner] ?? {}))
          visit(next as Record<string, unknown>, `${place}.${key}`);
      for (const inner of ["items", "additionalProperties"])
        if (typeof schema[inner] === "object")
          visit(schema[inner] as Record<string, unknown>, `${place}.${inner}`);
    };
    visit(stackFileSchema(NAMESPACE), "");
    assert.deepEqual(wrong, []);
  });
});
