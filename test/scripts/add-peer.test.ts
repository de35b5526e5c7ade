import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { addPeerCommand } from "../../scripts/commands/add-peer";
import { keyOf, HOST_KEY, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.test.yaml";

describe("add-peer", () => {
  const project = projectOfEachTest({ [FILE]: STACK_FILE });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([addPeerCommand()], "add-peer", ...args);

  it("writes the next free address, the public key and the encrypted private key, and changes nothing else", async () => {
    const { exitCode, stdout } = await run("tablet", "--json");
    assert.equal(exitCode, 0);
    const { node, address, address6, publicKey } = JSON.parse(stdout) as Record<string, string>;
    assert.deepEqual(
      { node, address, address6 },
      { node: "tablet", address: "10.86.0.3", address6: null },
    );
    const added = `    tablet:\n      address: 10.86.0.3\n      publicKey: ${publicKey ?? ""}\n`;
    const secret = "    tablet:\n      secure: v1:sealed:2\n";
    const expected = STACK_FILE.replace(
      "  wireguard-mesh:privateKeys",
      `${added}  wireguard-mesh:privateKeys`,
    );
    assert.equal(project.read(FILE), expected + secret);
  });

  it("explains how to link two machines in one LAN directly, unless a site or an endpoint is set", async () => {
    const at = (name: string, address: string, ...more: string[]) =>
      run(name, "--host", `root@${address}`, "--host-key", HOST_KEY, ...more);
    assert.equal((await at("nas", "192.168.1.20")).stderr, "");
    assert.equal((await at("vps", "198.51.100.20")).stderr, "");
    assert.equal((await at("elsewhere", "192.168.2.20")).stderr, "");
    assert.equal((await at("printer", "192.168.1.22", "--site", "home")).stderr, "");
    const { exitCode, stderr } = await at("desktop", "192.168.1.21");
    assert.equal(exitCode, 0);
    assert.equal(
      stderr,
      `desktop and nas seem to be in one LAN, 192.168.1.0/24, and would talk through
  their relay. To link them directly: give both \`site: home\`, and one of them
  \`siteEndpoint: 192.168.1.21:51820\` (add-peer has --site and --site-endpoint).
`,
    );
  });

  it("gives the private key to the engine only on stdin, never in an argument or a variable", async () => {
    await run("tablet");
    const [call, ...more] = project.engineCalls();
    assert.equal(more.length, 0);
    assert.match(call?.stdin ?? "", /^[A-Za-z0-9+/]{43}=$/);
    assert.ok(!(call?.argv ?? []).includes(call?.stdin ?? ""));
    assert.ok(!(call?.environment ?? "").includes(call?.stdin ?? ""));
    assert.ok(!project.read(FILE).includes(call?.stdin ?? ""));
  });

  it("writes every option as a field", async () => {
    const { exitCode, stderr } = await run(
      ...[
        "nas",
        "--host",
        "admin@192.168.10.5",
        "--host",
        "admin@via:tokyo",
        "--host-key",
        `${HOST_KEY} nas`,
      ],
      ...[
        "--subnets",
        "192.168.10.0/24,192.168.11.0/24",
        "--tags",
        "lan",
        "--endpoint",
        "198.51.100.9:51820",
      ],
      ...["--listen-port", "51821", "--address", "10.86.0.9", "--expires", "2099-12-31"],
    );
    assert.equal(stderr, "");
    assert.equal(exitCode, 0);
    const file = parse(project.read(FILE)) as {
      config: Record<string, Record<string, Record<string, unknown>>>;
    };
    const { publicKey, ...facts } = file.config["wireguard-mesh:peers"]?.["nas"] ?? {};
    assert.match(String(publicKey), /^[A-Za-z0-9+/]{43}=$/);
    assert.deepEqual(facts, {
      address: "10.86.0.9",
      host: ["admin@192.168.10.5", "admin@via:tokyo"],
      hostKey: HOST_KEY,
      endpoint: "198.51.100.9:51820",
      listenPort: 51821,
      subnets: ["192.168.10.0/24", "192.168.11.0/24"],
      tags: ["lan"],
      expires: "2099-12-31",
    });
  });

  it("adds an IPv6 address if the network has IPv6", async () => {
    project.write(
      FILE,
      STACK_FILE.replace("10.86.0.0/24 }", "10.86.0.0/24, cidr6: fd5c:10::/64 }"),
    );
    const { stdout } = await run("tablet", "--json");
    assert.equal((JSON.parse(stdout) as { address6: string }).address6, "fd5c:10::1");
  });

  it("takes the address from the home relay's range, and outside of all ranges for a relay that has none", async () => {
    const osaka = `    osaka: { address: 10.86.0.3, publicKey: "${keyOf("osaka")}", endpoint: "203.0.113.11:51820",
      peersCidr: 10.86.0.128/25 }
    kyoto: { address: 10.86.0.200, publicKey: "${keyOf("kyoto")}", endpoint: "203.0.113.12:51820" }
  wireguard-mesh:peers:`;
    const small = STACK_FILE.replace("  wireguard-mesh:peers:", osaka);
    project.write(
      FILE,
      small.replace("host: root@203", "peersCidr: 10.86.0.4/30\n      host: root@203"),
    );
    const addressOf = async (name: string, ...args: string[]) =>
      (JSON.parse((await run(name, "--json", ...args)).stdout) as { address: string }).address;
    assert.equal(await addressOf("tablet", "--relay", "osaka"), "10.86.0.129");
    assert.equal(await addressOf("desktop"), "10.86.0.5");
    assert.equal(await addressOf("printer"), "10.86.0.6");
    assert.equal(await addressOf("camera", "--relay", "kyoto"), "10.86.0.8");
    const { exitCode, stderr } = await run("speaker");
    assert.equal(exitCode, 1);
    assert.equal(
      stderr,
      `error: 10.86.0.4/30 (relays.tokyo.peersCidr) has no free address left
  choose a larger relays.tokyo.peersCidr, or an address elsewhere with --address and --address6
`,
    );
    assert.equal((await run("speaker", "--address", "10.86.0.9")).exitCode, 0);
  });

  it("makes no key for a device with its own key, and does not run the engine", async () => {
    const { exitCode, stdout } = await run("tablet", "--public-key", keyOf("tablet"));
    assert.equal(exitCode, 0);
    assert.match(stdout, /wireguard-mesh config tablet/);
    assert.deepEqual(project.engineCalls(), []);
    assert.ok(!project.read(FILE).includes("tablet:\n      secure"));
  });

  const wrong: [string, string[], RegExp][] = [
    [
      "an address that is taken",
      ["a", "--address", "10.86.0.2"],
      /10\.86\.0\.2 is also the address of peers\.a/,
    ],
    [
      "an unknown relay",
      ["a", "--host", "x@via:tokio", "--host-key", HOST_KEY],
      /did you mean tokyo\?/,
    ],
    ["a name that is taken", ["phone"], /peers\.phone exists already/],
    ["the name of a relay", ["tokyo"], /relays\.tokyo exists already/],
    [
      "a host without a host key",
      ["a", "--host", "x@via:tokyo"],
      /cat \/etc\/ssh\/ssh_host_ed25519_key\.pub/,
    ],
  ];
  for (const [what, args, message] of wrong) {
    it(`refuses ${what}, and leaves the file unchanged`, async () => {
      const { exitCode, stderr } = await run(...args);
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
      assert.equal(project.read(FILE), STACK_FILE);
      assert.deepEqual(project.engineCalls(), []);
    });
  }

  it("treats a malformed name or host key as wrong usage", async () => {
    assert.equal((await run("Not_a_name")).exitCode, 2);
    assert.equal(
      (await run("a", "--host", "x@192.0.2.1", "--host-key", "ssh-rsa nonsense")).exitCode,
      2,
    );
    assert.equal((await run("a", "--listen-port", "x")).exitCode, 2);
    assert.equal((await run()).exitCode, 2);
  });

  it("leaves the file unchanged when the engine does not encrypt, so that it can be repeated", async () => {
    project.write("bin/refuse", "");
    const { exitCode, stderr } = await run("tablet");
    assert.equal(exitCode, 1);
    assert.match(stderr, /did not encrypt privateKeys\.tablet: incorrect passphrase/);
    assert.match(stderr, /docs\/secrets\.md.*export PULUMI_CONFIG_PASSPHRASE=/);
    assert.equal(project.read(FILE), STACK_FILE);
    assert.ok(!existsSync(join(project.root, `${FILE}.new`)));
  });

  it("adds a peer even if the config already has mistakes", async () => {
    project.write(FILE, STACK_FILE.replace("enabled: true", "enabled: perhaps"));
    assert.equal((await run("tablet")).exitCode, 0);
  });

  it("does not replace an existing private key without a peer", async () => {
    project.write(FILE, `${STACK_FILE}    tablet:\n      secure: v1:lost\n`);
    const { exitCode, stderr } = await run("tablet");
    assert.equal(exitCode, 1);
    assert.match(stderr, /config rm --path wireguard-mesh:privateKeys\.tablet/);
    assert.equal((await run("tablet", "--public-key", keyOf("tablet"))).exitCode, 0);
  });
});
