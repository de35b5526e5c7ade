/** What the program registers: types, names, order, and secret inputs. */
import assert from "node:assert/strict";
import { presharedKeyOf } from "../../mesh/keys";
import { Secret } from "../../mesh/secret";
import {
  withoutSecrets,
  isSecret,
  resolved,
  runMockedProgram,
  type Run,
} from "../support/engine-mock";
import { keyPair } from "../support/key-pairs";
import { PRESHARED_KEY_SEED } from "../support/networks";
import { leaksIn } from "../support/secret-forms";
import { goodStack, reversedStack, secretsOfStack, SSH_KEY } from "../support/stacks";

/** All secrets: those of the config and the preshared keys derived from them. */
const secrets = [...secretsOfStack, ...derivedKeys(), SSH_KEY.split("\n")[1] ?? ""];

for (const preview of [true, false]) {
  describe(`the program in ${preview ? "a preview" : "an update"}`, () => {
    let run: Run;
    before(async function () {
      // Loading the SDK takes seconds.
      this.timeout(60_000);
      run = await runMockedProgram(goodStack(preview));
    });

    it("registers a network, its relays and peers, and a push for each node with a host", () => {
      assert.deepEqual(namesByType(run), {
        "wireguard-mesh:index:Network": ["network"],
        "wireguard-mesh:index:Relay": ["osaka", "tokyo"],
        "wireguard-mesh:index:Peer": ["desktop", "laptop", "nas", "phone"],
        "command:local:Command": PUSHES,
      });
    });

    it("has no key outside a secret input, in any encoding", () => {
      for (const registration of run.registered) {
        assert.deepEqual(leaksIn(withoutSecrets(registration), secrets), [], registration.name);
      }
    });

    it("has the same command for every host, and everything else on a secret stdin", () => {
      for (const { inputs, name } of run.registered.filter(isCommand)) {
        const { stdin, triggers, ...rest } = inputs;
        assert.deepEqual(rest, {
          create: "exec node dist/scripts/push/main.js apply",
          delete: "exec node dist/scripts/push/main.js remove",
          logging: "stderr",
          addPreviousOutputInEnv: false,
        });
        assert.ok(isSecret(stdin), `stdin of ${name} is not secret`);
        const request = JSON.parse(String(stdin.value)) as Record<string, unknown>;
        assert.equal(`${String(request["node"])}-push-command`, name);
        assert.deepEqual(triggers, [request["machine"]]);
      }
    });

    it("records the redacted config of each node as its input", () => {
      const desktop = run.registered.find(({ name }) => name === "desktop");
      assert.deepEqual(desktop?.inputs, {
        config: `# wireguard-mesh: desktop
[Interface]
PrivateKey = (hidden)
Address = 10.86.0.3/24

# tokyo
[Peer]
PublicKey = ${keyPair(0).publicKey}
PresharedKey = (hidden)
AllowedIPs = 10.86.0.0/24
Endpoint = 203.0.113.10:51820
PersistentKeepalive = 25
`,
        forwarding: "none",
      });
      const relays = run.registered.filter(({ type }) => type.endsWith(":Relay"));
      assert.deepEqual(
        relays.map(({ inputs }) => inputs["forwarding"]),
        ["IPv4", "IPv4"],
      );
    });

    it("records the nftables table of each host that has one", async () => {
      const stack = goodStack(preview);
      const policy = JSON.stringify([{ from: ["laptop"], to: ["*"] }]);
      const limited = await runMockedProgram({ ...stack, config: { ...stack.config, policy } });
      const named = (name: string) => limited.registered.find((one) => one.name === name)?.inputs;
      assert.match(String(named("tokyo")?.["filter"]), /^table inet wireguard-mesh-wg0 \{\n/);
      assert.equal("filter" in (named("desktop") ?? {}), false);
      assert.deepEqual((named("network")?.["policy"] as string[] | undefined) ?? [], [
        "laptop -> *",
      ]);
      assert.equal(
        run.registered.some(({ inputs }) => "filter" in inputs),
        false,
      );
    });

    it("exports the configs of nodes without a host as a secret, and other outputs as plain values", async () => {
      const configs = await resolved(run.outputs["configs"]);
      assert.equal(configs.secret, true);
      assert.deepEqual(Object.keys(configs.value as object), ["phone"]);
      assert.match(
        (configs.value as Record<string, string>)["phone"] ?? "",
        new RegExp(`^PrivateKey = ${keyPair(4).privateKey.replace(/[+]/g, "\\+")}$`, "m"),
      );
      // The engine warns about exports without a value.
      assert.ok(!Object.values(run.outputs).includes(undefined));
      const names = Object.keys(run.outputs).filter((name) => name !== "configs");
      const clear = await resolved(Object.fromEntries(names.map((n) => [n, run.outputs[n]])));
      assert.equal(clear.secret, false);
      assert.deepEqual(leaksIn(JSON.stringify(clear.value), secrets), []);
      const plain = ["graph", "outdated", "peers", "pending", "reachability", "relays"];
      assert.deepEqual(names.sort(), plain);
      assert.deepEqual((clear.value as { relays: unknown }).relays, {
        osaka: {
          address: "10.86.0.2",
          publicKey: keyPair(1).publicKey,
          endpoint: "203.0.113.11:51820",
        },
        tokyo: {
          address: "10.86.0.1",
          publicKey: keyPair(0).publicKey,
          endpoint: "203.0.113.10:51820",
        },
      });
    });

    it("pushes to a relay before the nodes behind it", () => {
      assert.deepEqual(pushesBefore(run, "tokyo"), []);
      assert.deepEqual(pushesBefore(run, "osaka"), ["tokyo"]);
      assert.ok(pushesBefore(run, "desktop").includes("tokyo"));
      assert.ok(pushesBefore(run, "laptop").includes("tokyo"));
      assert.deepEqual(pushesBefore(run, "nas").filter(isRelay), ["osaka", "tokyo"]);
    });
  });
}

describe("the program", () => {
  it("does not depend on the order of the maps in the config", async () => {
    const [one, other] = [
      await runMockedProgram(goodStack()),
      await runMockedProgram(reversedStack()),
    ];
    assert.deepEqual(facts(other), facts(one));
  });
});

function namesByType({ registered }: Run): Record<string, string[]> {
  const types = [...new Set(registered.map(({ type }) => type))];
  return Object.fromEntries(
    types.map((type) => [
      type,
      registered
        .filter((one) => one.type === type)
        .map(({ name }) => name)
        .sort(),
    ]),
  );
}

const PUSHES = ["desktop", "laptop", "nas", "osaka", "tokyo"].map((name) => `${name}-push-command`);

function isCommand({ type }: { type: string }): boolean {
  return type === "command:local:Command";
}

/** The nodes whose push was complete before the push of this one was registered. */
function pushesBefore({ registered }: Run, node: string): string[] {
  const own = registered.find(({ name }) => name === `${node}-push-command`);
  const suffix = "-push-command";
  const commands = (own?.after ?? []).filter((name) => name.endsWith(suffix));
  return commands.map((name) => name.slice(0, -suffix.length)).sort();
}

function isRelay(name: string): boolean {
  return name === "tokyo" || name === "osaka";
}

/** The registrations, regardless of their order. */
function facts({ registered }: Run): unknown[] {
  const named = registered.map(({ type, name, inputs }) => ({ type, name, inputs }));
  return named.sort((a, b) => (a.type + a.name < b.type + b.name ? -1 : 1));
}

function derivedKeys(): string[] {
  const publicKeys = [0, 1, 2, 3, 4, 5].map((at) => keyPair(at).publicKey);
  return publicKeys.flatMap((one, at) =>
    publicKeys
      .slice(at + 1)
      .map((other) => presharedKeyOf(Secret.of(PRESHARED_KEY_SEED), one, other).reveal()),
  );
}
