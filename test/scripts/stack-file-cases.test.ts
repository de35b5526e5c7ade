/** Stack files as people wrote them, and the errors of `plan`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { planCommand } from "../../scripts/commands/plan";
import { makeTestProject, type Outcome, type TestProject } from "./support/test-project";

const FOLDER = join(__dirname, "fixtures/stackfiles");

interface Answer {
  issues: { path: string; severity: string; message: string; remedy: string }[];
}

/** By file: `path: message`, and a part of the remedy. Empty: no error. */
const WANTED: Record<string, [issue: string, remedy: RegExp][]> = {
  "01-site-same-endpoint.yaml": [
    [
      "peers.b.siteEndpoint: 192.168.1.5:51820 is also the siteEndpoint of peers.a",
      /another listenPort and siteEndpoint/,
    ],
  ],
  "03-siteendpoint-in-other-lan.yaml": [
    [
      "peers.a.siteEndpoint: 192.168.1.5:51820 is in a LAN behind gw (192.168.1.0/24)",
      /routed through itself: renumber/,
    ],
  ],
  "04-host-in-cidr.yaml": [
    [
      "peers.a.host: 192.168.1.20 is in the tunnel (192.168.1.0/24), so the node would reach its own network through the tunnel",
      /another prefix \(network\.cidr/,
    ],
  ],
  "07-cidr-0.yaml": [
    ["network.cidr: 127.0.0.0/8 overlaps 127.0.0.0/8 (loopback)", /use a private prefix/],
  ],
  "08-cidr6-1.yaml": [
    ["network.cidr6: ff02::/64 overlaps ff00::/8 (multicast)", /use a private prefix/],
  ],
  "09-subnet-0.yaml": [
    ["peers.gw.subnets[0]: 127.0.0.0/8 overlaps 127.0.0.0/8 (loopback)", /use a private prefix/],
  ],
  "anchors.yaml": [],
  "comments.yaml": [],
  "json-peers.yaml": [],
  "expires-offset.yaml": [
    [
      'peers.phone.expires: "2027-12-31T18:00:00+09:00" without quotes is a YAML time, rewritten on reading',
      /put it in quotes/,
    ],
  ],
  "octal-keepalive.yaml": [
    [
      'peers.phone.persistentKeepalive: "025" without quotes is 21 to the engine',
      /put it in quotes.*decimal without leading zeros/,
    ],
  ],
};

describe("plan of a stack file", () => {
  let project: TestProject;

  before(() => {
    project = makeTestProject();
  });
  after(() => {
    project.remove();
  });

  const plan = (file: string, ...args: string[]): Promise<Outcome> =>
    project.run([planCommand()], "plan", "--file", join(FOLDER, file), ...args);

  for (const [file, wanted] of Object.entries(WANTED)) {
    const verdict = wanted.length === 0 ? "finds no mistake" : "finds the one mistake";
    it(`${verdict} in ${file}`, async () => {
      const { exitCode, stdout } = await plan(file, "--json");
      const { issues } = JSON.parse(stdout) as Answer;
      const errors = issues.filter(({ severity }) => severity === "error");
      assert.deepEqual(
        errors.map(({ path, message }) => `${path}: ${message}`),
        wanted.map(([issue]) => issue),
      );
      for (const [index, [, remedy]] of wanted.entries())
        assert.match(errors[index]?.remedy ?? "", remedy);
      assert.equal(exitCode, wanted.length === 0 ? 0 : 1);
    });
  }

  it("names the line of a tag, and never prints its text", async () => {
    const secret = /!secret (\S+)/.exec(readFileSync(join(FOLDER, "tag-secret.yaml"), "utf8"))?.[1];
    const warnings: unknown[] = [];
    const keep = (warning: unknown) => warnings.push(warning);
    process.on("warning", keep);
    const { exitCode, stdout, stderr } = await plan("tag-secret.yaml");
    await new Promise(setImmediate);
    process.off("warning", keep);
    assert.equal(exitCode, 2);
    assert.match(stderr, /tag-secret\.yaml cannot be read at line \d+, column \d+: a tag/);
    assert.match(stderr, /pulumi config set --secret/);
    assert.ok(secret !== undefined && !(stdout + stderr).includes(secret.slice(0, 12)));
    assert.deepEqual(warnings, []);
  });
});
