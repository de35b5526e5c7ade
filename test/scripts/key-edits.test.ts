/** The steps of a rotation as edits of the stack file. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { isKey } from "../../mesh/key-text";
import { readMesh } from "../../mesh/mesh";
import type { NodePlan } from "../../mesh/plan/plan";
import { beginEdit, finishEdit, reverseEdit, revokeEdit } from "../../scripts/stack/key-edits";
import { readConfig } from "../../scripts/stack/stack-file";
import { keyOf, STACK_FILE } from "./support/network";

const FILE = "Pulumi.test.yaml";
const next = { publicKey: keyOf("next"), privateKey: null };

function nodeOf(text: string, name: string): NodePlan {
  const { plan, issues } = readMesh(readConfig(text, FILE), 0);
  const node = plan?.nodes.find((each) => each.name === name);
  assert.ok(node, JSON.stringify(issues));
  return node;
}

/** The next private key takes the place of the former one, as `stack.edit` would encrypt it. */
function begun(text: string, name: string): string {
  const key = { ...next, privateKey: null };
  const edit = beginEdit(text, nodeOf(text, name), key, FILE);
  const moved = edit.text.replace(
    "  wireguard-mesh:privateKeys:",
    `  wireguard-mesh:formerPrivateKeys:
    ${name}:
      secure: v1:${name}
  wireguard-mesh:privateKeys:
    ${name}:
      secure: v1:next`,
  );
  return moved;
}

type Fields = Record<string, unknown>;
function configIn(text: string): Record<string, Record<string, Fields>> {
  return (parse(text) as { config: Record<string, Record<string, Fields>> }).config;
}
const fieldsIn = (text: string, group: string, name: string) =>
  configIn(text)[`wireguard-mesh:${group}`]?.[name] ?? {};
const finish = (text: string, name: string) => finishEdit(text, nodeOf(text, name)).text;

describe("the edits of a rotation", () => {
  it("give a relay its next key together with the port at which that was served", () => {
    const text = finish(begun(STACK_FILE, "tokyo"), "tokyo");
    const { publicKey, nextPublicKey, listenPort, rotationPort } = fieldsIn(
      text,
      "relays",
      "tokyo",
    );
    assert.deepEqual(
      { publicKey, nextPublicKey, listenPort, rotationPort },
      {
        publicKey: next.publicKey,
        nextPublicKey: undefined,
        listenPort: 51821,
        rotationPort: 51820,
      },
    );
    assert.equal(configIn(text)["wireguard-mesh:formerPrivateKeys"], undefined);
    assert.ok(text.includes("tokyo: # in Tokyo"));
  });

  it("bring a relay back to its first port with the next rotation", () => {
    const once = finish(begun(STACK_FILE, "tokyo"), "tokyo");
    const twice = finish(begun(once, "tokyo").replace(next.publicKey, keyOf("first")), "tokyo");
    const { listenPort, rotationPort } = fieldsIn(twice, "relays", "tokyo");
    assert.deepEqual({ listenPort, rotationPort }, { listenPort: 51820, rotationPort: undefined });
  });

  it("change the port of a written endpoint with it, and keep a port that was chosen", () => {
    const written = STACK_FILE.replace(
      "host: root@203.0.113.10",
      'host: root@203.0.113.10\n      endpoint: "[2001:db8::1]:51820"\n      rotationPort: 4500',
    );
    const fields = fieldsIn(finish(begun(written, "tokyo"), "tokyo"), "relays", "tokyo");
    assert.equal(fields["endpoint"], "[2001:db8::1]:4500");
    assert.equal(fields["listenPort"], 4500);
    assert.equal(fields["rotationPort"], 51820);
  });

  it("leave a peer's port alone", () => {
    const text = finish(begun(STACK_FILE, "laptop"), "laptop");
    assert.deepEqual(Object.keys(fieldsIn(text, "peers", "laptop")), [
      ...["address", "publicKey", "host"],
    ]);
  });

  it("reverse a rotation: after it is finished, the file is as before", () => {
    for (const name of ["tokyo", "laptop"]) {
      const text = begun(STACK_FILE, name);
      const reversed = reverseEdit(text, nodeOf(text, name), FILE)?.text ?? "";
      const group = name === "tokyo" ? "relays" : "peers";
      const { publicKey, nextPublicKey } = fieldsIn(reversed, group, name);
      assert.deepEqual([publicKey, nextPublicKey], [next.publicKey, keyOf(name)]);
      assert.deepEqual(fieldsIn(reversed, "privateKeys", name), { secure: `v1:${name}` });
      const done = finish(reversed, name);
      const { listenPort, ...rest } = fieldsIn(done, group, name);
      assert.ok(listenPort === undefined || listenPort === 51820);
      assert.deepEqual(rest, fieldsIn(STACK_FILE, group, name));
    }
  });

  it("cannot reverse a rotation without the former private key", () => {
    const text = begun(STACK_FILE, "tokyo").replace("secure: v1:tokyo\n", "secure2: x\n");
    const plain = STACK_FILE.replace(
      "host: local",
      `host: local\n      nextPublicKey: ${next.publicKey}`,
    );
    assert.ok(text.includes("secure2"));
    assert.equal(reverseEdit(plain, nodeOf(plain, "laptop"), FILE), null);
  });

  it("replace all keys of a revoked node, and keep its ports", () => {
    const text = begun(STACK_FILE, "tokyo");
    const other = { publicKey: keyOf("other"), privateKey: null };
    const fields = fieldsIn(revokeEdit(text, nodeOf(text, "tokyo"), other).text, "relays", "tokyo");
    assert.equal(fields["publicKey"], keyOf("other"));
    assert.equal(fields["nextPublicKey"], undefined);
    assert.equal(fields["listenPort"], undefined);
  });

  it("replace the preshared keys of a revoked node's links, and no others", () => {
    const links = ["laptop/tokyo", "phone/tokyo"].map((it) => `    ${it}: { secure: v1:x }\n`);
    const text = `${STACK_FILE}  wireguard-mesh:presharedKeys:\n${links.join("")}`;
    const other = { publicKey: keyOf("other"), privateKey: null };
    const { secrets = [] } = revokeEdit(text, nodeOf(text, "laptop"), other);
    assert.deepEqual(
      secrets.map(({ path }) => path),
      [["presharedKeys", "laptop/tokyo"]],
    );
    assert.ok(secrets.every(({ value }) => isKey(value.reveal())));
  });
});
