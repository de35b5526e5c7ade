import assert from "node:assert/strict";
import { previewCommand } from "../../scripts/commands/preview";
import { upCommand } from "../../scripts/commands/up";
import type { Plan } from "../../mesh/plan/plan";
import { HOST_KEY, planWithKeys, STACK_FILE } from "./support/network";
import { previewEvents, stateOf } from "./support/preview-events";
import { projectOfEachTest, type Outcome } from "./support/test-project";
import { keyOf } from "./support/network";

/** A relay, the laptop, and peers p1, p2, ... with hosts. */
function network(
  peers: number,
  edits: { relay?: object; laptop?: object; policy?: object[] } = {},
): Plan {
  const host = (at: number) => ({ host: `root@192.0.2.${at}`, hostKey: HOST_KEY });
  const named = Array.from({ length: peers }, (_, at) => [
    `p${at + 1}`,
    { address: `10.86.1.${at + 1}`, publicKey: keyOf(`p${at + 1}`), ...host(at + 1) },
  ]);
  const tokyo = { address: "10.86.0.1", publicKey: keyOf("tokyo"), ...host(200) };
  return planWithKeys({
    network: { cidr: "10.86.0.0/16" },
    ...(edits.policy === undefined ? {} : { policy: edits.policy }),
    relays: { tokyo: { ...tokyo, ...edits.relay } },
    peers: {
      laptop: { address: "10.86.0.2", publicKey: keyOf("laptop"), host: "local", ...edits.laptop },
      ...(Object.fromEntries(named) as object),
    },
  });
}

describe("preview", () => {
  const project = projectOfEachTest({ "Pulumi.test.yaml": STACK_FILE });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([upCommand(), previewCommand()], ...args);
  const shown = async (before: Plan | null, after: Plan): Promise<string> => {
    project.write("bin/preview-events", previewEvents(before, after));
    const { exitCode, stdout, stderr } = await run("preview");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    return stdout;
  };
  const tooWide = (text: string) => text.split("\n").filter((line) => line.length > 80);

  it("of one more peer among 50 shows that peer, its relay and its paths", async () => {
    assert.equal(
      await shown(network(50), network(51)),
      `Changes
  tokyo  + peer p51
  p51    + new: 10.86.1.51, a tunnel to tokyo

Paths
  + p51 <-> laptop, p1, p10, p11, p12, p13 and 45 more: through tokyo
  + p51 <-> tokyo: direct
`,
    );
  });

  it("of a policy shows the hosts that enforce it, and the paths that it removes or limits", async () => {
    const policy = [{ from: ["laptop"], to: ["tokyo", "p1"] }];
    const some = network(2, { policy });
    const ports = ["tcp/22"];
    const more = network(2, { policy: [...policy, { from: ["p1"], to: ["p2"], ports }] });
    assert.equal(await shown(some, some), "Nothing to do: the network is as planned.\n");
    assert.equal(
      await shown(some, more),
      `Changes
  tokyo  ~ filters by other rules or addresses
  p1     ~ peer tokyo: allowed IPs +10.86.1.2/32
  p2     ~ peer tokyo: allowed IPs +10.86.1.1/32

Paths
  + p1 -> p2: through tokyo: tcp/22
`,
    );
  });

  it("reads what version 0.1.0 has recorded", async () => {
    const now = previewEvents(network(1), network(1)).split("\n");
    const former = now.map((line) =>
      line.replace(
        /"groups":.*?,"lans"/,
        '"groups":{"peers of tokyo":["laptop","p1"],"relay tokyo":["tokyo"]},"paths":{"peers of tokyo -> peers of tokyo":"through tokyo","peers of tokyo -> relay tokyo":"direct","relay tokyo -> peers of tokyo":"direct"},"lans"',
      ),
    );
    project.write("bin/preview-events", former.join("\n"));
    assert.equal((await run("preview")).stdout, "Nothing to do: the network is as planned.\n");
  });

  it("of an unchanged network says that there is nothing to do", async () => {
    assert.equal(
      await shown(network(3), network(3)),
      "Nothing to do: the network is as planned.\n",
    );
  });

  it("of the same change on many hosts is one entry, and names the tunnels that restart", async () => {
    const key = { publicKey: keyOf("other") };
    assert.equal(
      await shown(network(4), network(4, { relay: key })),
      `Changes
  5 nodes  ~ peer tokyo: new key
             on laptop, p1, p2, p3, p4

Tunnels that restart, with a new key
  laptop - tokyo, p1 - tokyo, p2 - tokyo, p3 - tokyo, p4 - tokyo
`,
    );
  });

  it("of a first up of a thousand peers is short, and no line is wider than 80 columns", async () => {
    const names = Array.from({ length: 250 }, (_, at) => at + 1);
    const peers = Object.fromEntries(
      names.flatMap((at) =>
        [0, 1, 2, 3].map((net) => [
          `a-rather-long-name-${net}-${at}`,
          { address: `10.86.${net + 1}.${at}`, publicKey: keyOf(`peer ${net}.${at}`) },
        ]),
      ),
    );
    const relays = {
      tokyo: { address: "10.86.0.1", publicKey: keyOf("tokyo"), endpoint: "203.0.113.10:51820" },
    };
    const thousand = planWithKeys({ network: { cidr: "10.86.0.0/16" }, relays, peers });
    const text = await shown(null, thousand);
    assert.deepEqual(tooWide(text), []);
    assert.ok(text.split("\n").length < 60, text);
    assert.match(text, /^ {2}and 971 more: add --json, or --diff$/m);
  });

  it("names the devices that need their config, with the command that shows it", async () => {
    const why = { phone: ["its config has changed"] };
    project.write("bin/preview-events", previewEvents(network(1), network(1), why));
    assert.match(
      (await run("preview")).stdout,
      /need their config after the up:\n {2}npx wireguard-mesh qr phone {2}# its config has changed\n/,
    );
  });

  it("of a new device has the text of up, which lists the devices only before the changes", async () => {
    const phone = { phone: { address: "10.86.0.4", publicKey: keyOf("phone") } };
    const events = previewEvents(null, planWithKeys({ peers: phone }));
    const update = events
      .replace('"isPreview":true', '"isPreview":false')
      .replaceAll(',"planning":true', "");
    project.write("bin/preview-events", events);
    project.write("bin/events", update);
    project.write("bin/outputs-after", JSON.stringify({ peers: { phone: { fingerprint: "a" } } }));
    const line = "  npx wireguard-mesh qr phone  # it was not given its config yet\n";
    const heading = (when: string) => `These devices need ${when}:\n${line}`;
    const before = (await run("up", "--yes")).stdout;
    assert.ok(before.includes(`\n\n${heading("their config after the up")}`), before);
    assert.ok(before.includes(heading("a new config")), before);
    const { stdout } = await run("up", "--yes", "--skip-preview");
    assert.match(stdout, /^Changes\n {2}phone {2}\+ new: /);
    assert.doesNotMatch(stdout, /after the up/);
    assert.ok(stdout.includes(heading("a new config")), stdout);
  });

  it("shows what changes at AWS, and with --diff the engine's own tree below", async () => {
    const aws = (op: string, type: string, name: string) =>
      JSON.stringify({
        resourcePreEvent: {
          metadata: { op, type, urn: `urn:pulumi:test::wireguard-mesh::${type}::${name}` },
          planning: true,
        },
      });
    const events = [
      aws("create-replacement", "aws:ec2/instance:Instance", "tokyo-debian-12"),
      aws("replace", "aws:ec2/instance:Instance", "tokyo-debian-12"),
      aws("update", "aws:ec2/securityGroup:SecurityGroup", "tokyo"),
      aws("same", "aws:ec2/eip:Eip", "tokyo"),
      previewEvents(network(1), network(1)),
    ];
    project.write("bin/preview-events", events.join("\n"));
    project.write("bin/preview-tree", "TREE");
    const text = `At AWS
  ~ Instance tokyo-debian-12 (replaced)
  ~ SecurityGroup tokyo
`;
    assert.equal((await run("preview")).stdout, text);
    assert.equal((await run("preview", "--diff")).stdout, `${text}\nTREE\n`);
  });

  it("fails with the mistake and its remedy, without the engine's tree", async () => {
    project.write(
      "bin/preview-error",
      "getting stack configuration: get stack secrets manager: incorrect passphrase",
    );
    const { exitCode, stdout, stderr } = await run("preview");
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.equal(
      stderr,
      "error: incorrect passphrase\n  the stack's secrets need their passphrase (if it is lost: docs/secrets.md):\n  export PULUMI_CONFIG_PASSPHRASE='...'\n",
    );
  });

  it("is shown by up before its question; without a terminal up needs --yes", async () => {
    project.write("bin/preview-events", previewEvents(network(1), network(2)));
    const { exitCode, stdout, stderr } = await run("up");
    assert.equal(exitCode, 2);
    assert.match(stdout, /^Changes\n {2}tokyo {2}\+ peer p2\n/);
    assert.match(stderr, /no terminal to ask on\n {2}no host was touched\. .* add --yes\n$/);
    assert.ok(project.engineCalls().every(({ argv }) => argv[0] !== "up"));
  });

  describe("without the engine", () => {
    const edited = STACK_FILE.replace("10.86.0.4", "10.86.0.5");

    it("compares two stack files, as Markdown, and calls nothing", async () => {
      project.write("former.yaml", STACK_FILE);
      project.write("Pulumi.test.yaml", edited);
      const args = ["preview", "--format", "markdown", "--from", "former.yaml"];
      const { exitCode, stdout } = await run(...args);
      assert.equal(exitCode, 0);
      assert.equal(
        stdout,
        `### WireGuard network \`test\`

| Host | What changes |
| --- | --- |
| \`tokyo\` | \\~ peer phone: allowed IPs +10.86.0.5/32 -10.86.0.4/32 |
| \`phone\` | \\~ address 10.86.0.4/24 -\\> 10.86.0.5/24 |

**Devices that need their config**

- \`phone\`: its config changes

<sub>Not compared: private keys, preshared keys, and how to log in to the hosts.</sub>
`,
      );
      assert.deepEqual(project.engineCalls(), []);
    });

    it("compares the file with the state, which it reads without secrets", async () => {
      project.write("bin/state", stateOf(network(1)));
      const { exitCode, stdout } = await run("preview", "--format", "markdown");
      assert.equal(exitCode, 0);
      assert.match(stdout, /^\| `p1` \| - its interface is removed \|$/m);
      const calls = project.engineCalls().map(({ argv }) => argv.slice(0, 4).join(" "));
      assert.deepEqual(calls, ["stack export --stack test"]);
    });

    it("refuses flags of the engine, another format, and a file with mistakes", async () => {
      const flags = await run("preview", "--format", "markdown", "--", "--refresh");
      assert.equal(flags.exitCode, 2);
      assert.equal((await run("preview", "--format", "html")).exitCode, 2);
      project.write("former.yaml", STACK_FILE.replace("10.86.0.4", "10.86.0.2"));
      const mistakes = await run("preview", "--from", "former.yaml");
      assert.equal(mistakes.exitCode, 1);
      assert.match(mistakes.stderr, /former\.yaml has mistakes:\n.*peers\.phone\.address/);
    });
  });
});
