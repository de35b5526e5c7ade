/** The rotate command, end to end: a peer's key, a key generated on its host, the relay's key. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { parse } from "yaml";
import { relay } from "../../scripts/lab/scenarios/relay";
import { PHASES } from "../../scripts/push/phase";
import { newKeyPair } from "../support/key-pairs";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "./support/mesh-session";
import { assertShort, pingGapsDuring, type Direction } from "./support/ping-gaps";
import { canPingSoon } from "./support/small-world";

describe("rotate", function () {
  let mesh: MeshLab;
  let session: MeshSession;
  before(async () => {
    mesh = await meshLab(relay, "test-rotate-command");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  it("gives a peer a new key, verifies it, and removes the old one", async () => {
    const old = nodeIn("peers", "desktop")["publicKey"];
    const { ok } = await rotate("desktop");
    assert.equal(ok, true);
    const { publicKey, nextPublicKey } = nodeIn("peers", "desktop");
    assert.notEqual(publicKey, old);
    assert.equal(nextPublicKey, undefined);
    assert.deepEqual(await peersOf("relay"), keysIn("peers"));
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("moves a peer to a key that its host generated and the stack never has", async () => {
    succeeded(await session.command("keygen", "laptop"));
    assert.equal(secretsIn()["laptop"], undefined);
    const { nextPublicKey } = nodeIn("peers", "laptop");
    await rotate("laptop");
    assert.equal(nodeIn("peers", "laptop")["publicKey"], nextPublicKey);
    assert.equal(await session.on("laptop", "wg show wg0 public-key"), nextPublicKey);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
    const again = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(again.stdout, /changed, |created|updated|deleted|replaced/);
  });

  it("generates another key on the host", async () => {
    const old = nodeIn("peers", "laptop")["publicKey"];
    await rotate("laptop");
    assert.notEqual(nodeIn("peers", "laptop")["publicKey"], old);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
    const kept = await session.on("laptop", "wc -l </var/lib/wireguard-mesh/wg0/own-keys");
    assert.equal(kept, "1", "previous keys are deleted");
  });

  const SPOKES: Direction[] = [
    ["laptop", "10.0.0.2"],
    ["desktop", "10.0.0.3"],
  ];

  async function assertRelay(port: number): Promise<void> {
    const { publicKey } = nodeIn("relays", "relay");
    for (const peer of ["desktop", "laptop"]) assert.deepEqual(await peersOf(peer), [publicKey]);
    assert.equal(await session.on("relay", "wg show interfaces"), "wg0");
    assert.equal(await session.on("relay", "wg show wg0 listen-port"), String(port));
    const status = succeeded(await session.command("status", "--json"));
    assert.equal((JSON.parse(status.stdout) as { ok: boolean }).ok, true, status.stdout);
  }

  it("gives the relay a new key and its other port, and with the next rotation the first port again", async () => {
    for (const [listenPort, rotationPort] of [
      [51821, 51820],
      [51820, undefined],
    ] as const) {
      const old = nodeIn("relays", "relay")["publicKey"];
      const gaps = await pingGapsDuring(mesh.lab, SPOKES, async () => {
        await rotate("relay");
        // Longer than an old session of the former interface still sends.
        await new Promise((resolve) => setTimeout(resolve, 15_000));
      });
      assertShort(gaps);
      const node = nodeIn("relays", "relay");
      assert.notEqual(node["publicKey"], old);
      assert.deepEqual([node["listenPort"], node["rotationPort"]], [listenPort, rotationPort]);
      await assertRelay(listenPort);
    }
  });

  it("cancels a relay's rotation: all nodes go back to the old key", async () => {
    succeeded(await session.command("add-peer", "phone"));
    succeeded(await session.pulumi(...UP));
    const old = nodeIn("relays", "relay")["publicKey"];
    const secret = secretsIn()["relay"];
    const pending = await session.command("rotate", "relay", "--yes", "--json");
    assert.equal(pending.code, 1, "it waits for the phone");
    assert.notEqual(nodeIn("relays", "relay")["nextPublicKey"], undefined);
    const gaps = await pingGapsDuring(mesh.lab, SPOKES, async () => {
      await rotate("relay", "--cancel");
    });
    assertShort(gaps);
    const { publicKey, nextPublicKey } = nodeIn("relays", "relay");
    assert.deepEqual([publicKey, nextPublicKey], [old, undefined]);
    assert.deepEqual(secretsIn()["relay"], secret);
    assert.equal(config()["wireguard-mesh:formerPrivateKeys"], undefined);
    succeeded(await session.command("remove-peer", "phone"));
    succeeded(await session.pulumi(...UP));
    await assertRelay(51820);
  });

  const upOnTerminal = async (): Promise<string> => {
    const command = "stty cols 80; node dist/scripts/wireguard-mesh.js up --yes --skip-preview";
    const done = await mesh.lab.exec("operator", ["script", "-qec", command, "/dev/null"]);
    session.leaks.add("output of up on a terminal", done.stdout + done.stderr);
    return succeeded(done).stdout.replaceAll("\r\n", "\n");
  };

  it("recognizes a rotation that was started by setting the secret: reports it as pending, without drift", async () => {
    const { privateKey, publicKey: next } = newKeyPair();
    const path = "wireguard-mesh:privateKeys.desktop";
    succeeded(
      await mesh.lab.exec("operator", ["pulumi", "config", "set", "--secret", "--path", path], {
        input: privateKey,
      }),
    );
    const up = await upOnTerminal();
    // By the real engine, whose plugin passes its environment to the push program.
    for (const phase of PHASES) assert.ok(up.includes(`desktop ${phase}`), `${phase}: ${up}`);
    assert.match(
      up,
      /^desktop: no neighbour waits for its new key; finish the\s+rotation:\s+npx .* --finish$/m,
    );
    const status = succeeded(await session.command("status", "--json"));
    const { pending, nodes } = JSON.parse(status.stdout) as {
      pending: object[];
      nodes: Record<string, { drift: string[] }>;
    };
    assert.deepEqual(pending, [{ node: "desktop", nextPublicKey: next, waitsFor: [] }]);
    for (const [node, { drift }] of Object.entries(nodes)) assert.deepEqual(drift, [], node);
    const output = succeeded(await session.pulumi("stack", "output", "pending", "--json"));
    assert.deepEqual(Object.keys(JSON.parse(output.stdout) as object), ["desktop"]);
    assert.equal(nodeIn("peers", "desktop")["nextPublicKey"], undefined);
    const done = await session.command("rotate", "--finish", "--yes", "--json");
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.equal(nodeIn("peers", "desktop")["publicKey"], next);
    assert.deepEqual(await peersOf("relay"), keysIn("peers"));
  });

  it("removes the old key at once with --revoke", async () => {
    const old = nodeIn("peers", "desktop")["publicKey"];
    await rotate("desktop", "--revoke");
    assert.ok(!(await peersOf("relay")).includes(String(old)));
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("leaks no secret", async () => {
    await session.leaks.end();
  });

  async function rotate(...args: string[]): Promise<{ ok: boolean }> {
    const done = await session.command("rotate", ...args, "--yes", "--json");
    assert.equal(done.code, 0, done.stdout + done.stderr);
    return JSON.parse(done.stdout) as { ok: boolean };
  }

  async function peersOf(host: string): Promise<string[]> {
    const shown = await session.on(host, "wg show wg0 peers");
    return shown
      .split("\n")
      .filter((line) => line !== "")
      .sort();
  }

  type Fields = Record<string, unknown>;
  function config(): Record<string, Record<string, Fields>> {
    const file = parse(fs.readFileSync(mesh.stack.file, "utf8")) as {
      config: Record<string, Record<string, Fields>>;
    };
    return file.config;
  }
  function nodeIn(group: string, name: string): Fields {
    return config()[`wireguard-mesh:${group}`]?.[name] ?? {};
  }
  function secretsIn(): Record<string, Fields> {
    return config()["wireguard-mesh:privateKeys"] ?? {};
  }
  function keysIn(group: string): unknown[] {
    const nodes = config()[`wireguard-mesh:${group}`] ?? {};
    return Object.values(nodes)
      .map(({ publicKey }) => publicKey)
      .sort();
  }
});
