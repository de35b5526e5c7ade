/** The metrics for Prometheus, and the nodes that `status` calls silent. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { metricsCommand } from "../../scripts/commands/metrics";
import { expositionText, familiesOf } from "../../scripts/commands/metrics/exposition";
import { silentNodes, silentText } from "../../scripts/commands/status/silent";
import { statusReport } from "../../scripts/commands/status/status-report";
import type { HostAnswer } from "../../scripts/stack/query-hosts";
import * as by from "./support/hand-edits";
import { keyOf, WITHOUT_HOSTS } from "./support/network";
import { asPlanned, NOW, plan, plannedAs, reached } from "./support/planned-network";
import { projectOfEachTest } from "./support/test-project";

const answers = (all: Record<string, HostAnswer>) => new Map(Object.entries(all));
const textOf = (all: Record<string, HostAnswer>) =>
  expositionText(familiesOf(plannedAs(plan), answers(all), NOW + 0.5));
/** With the key of a peer replaced by one that is not in the plan. */
const strangerOn = (name: string) =>
  by.firstPeer({ publicKey: keyOf("stranger") })(asPlanned(plan, name));
const off: HostAnswer = { reachable: false, cause: "off" };

describe("metrics", () => {
  it("has the names, types and labels of prometheus_wireguard_exporter, and the reporting node", () => {
    const text = textOf({ nas: reached(asPlanned(plan, "nas")) });
    const labels = `node="nas",interface="wg0",public_key="${keyOf("tokyo")}",allowed_ips="`;
    for (const [name, type, value] of [
      ["wireguard_sent_bytes_total", "counter", "10"],
      ["wireguard_received_bytes_total", "counter", "2048"],
      ["wireguard_latest_handshake_seconds", "gauge", String(NOW - 10)],
    ] as const) {
      const start = text.indexOf(`# HELP ${name} `);
      assert.notEqual(start, -1, name);
      const [, typeLine, ...samples] = text.slice(start).split("\n");
      assert.equal(typeLine, `# TYPE ${name} ${type}`);
      const line = samples.find((it) => it.startsWith(`${name}{${labels}`)) ?? "";
      assert.match(line, new RegExp(`",friendly_name="tokyo"\\} ${value}$`));
    }
    assert.match(text, /^wireguard_mesh_last_look_seconds 1000000$/m);
  });

  it("gives a peer that is not in the plan no name", () => {
    const observed = strangerOn("nas");
    assert.match(
      textOf({ nas: reached(observed) }),
      /^wireguard_sent_bytes_total\{[^}]*allowed_ips="[^"]*"\} /m,
    );
  });

  it("distinguishes a host that was not reached, one that differs, and one that matches the plan", () => {
    const observed = strangerOn("nas");
    const text = textOf({
      nas: reached(observed),
      tokyo: off,
      vps: reached(asPlanned(plan, "vps")),
    });
    const lines = text.split("\n").filter((line) => line.startsWith("wireguard_mesh_node_"));
    assert.deepEqual(lines, [
      'wireguard_mesh_node_reached{node="nas"} 1',
      'wireguard_mesh_node_reached{node="tokyo"} 0',
      'wireguard_mesh_node_reached{node="vps"} 1',
      'wireguard_mesh_node_differences{node="nas"} 2',
      'wireguard_mesh_node_differences{node="vps"} 0',
    ]);
  });

  it("shows which links are dead, and leaves out links of which no end could be queried", () => {
    const text = textOf({ nas: reached(asPlanned(plan, "nas", null)), tokyo: off });
    const lines = text.split("\n").filter((line) => line.startsWith("wireguard_mesh_link_dead{"));
    assert.deepEqual(lines, [
      'wireguard_mesh_link_dead{a="nas",b="tokyo"} 1',
      'wireguard_mesh_link_dead{a="nas",b="vps"} 1',
    ]);
  });

  it("escapes what would end a label, and leaves out a family without samples", () => {
    const family = { name: "a", help: "b", type: "gauge" as const };
    const samples = [{ labels: { it: 'a"b\\c\nd' }, value: 1 }];
    assert.equal(
      expositionText([
        { ...family, samples },
        { ...family, name: "empty", samples: [] },
      ]),
      '# HELP a b\n# TYPE a gauge\na{it="a\\"b\\\\c\\nd"} 1\n',
    );
  });
});

describe("the file of metrics", () => {
  // No host to ask.
  const project = projectOfEachTest({ "Pulumi.test.yaml": WITHOUT_HOSTS });
  const metrics = (...args: string[]) => project.run([metricsCommand()], "metrics", ...args);

  it("is replaced as a whole, and readable for node_exporter whatever the umask is", async () => {
    const umask = process.umask(0o077);
    try {
      mkdirSync(join(project.root, "textfile"));
      project.write("textfile/mesh.prom", "former");
      const former = statSync(join(project.root, "textfile/mesh.prom")).ino;
      const done = await metrics("--out", "textfile/mesh.prom");
      assert.deepEqual([done.exitCode, done.stdout], [0, ""], done.stderr);
      const now = statSync(join(project.root, "textfile/mesh.prom"));
      assert.deepEqual([now.mode & 0o777, now.ino !== former], [0o644, true]);
      assert.deepEqual(readdirSync(join(project.root, "textfile")), ["mesh.prom"]);
      assert.match(project.read("textfile/mesh.prom"), /^wireguard_mesh_last_look_seconds \d+$/m);
      assert.equal((await metrics("--out", "-")).stdout.split("\n")[0], HELP);
    } finally {
      process.umask(umask);
    }
  });

  it("is replaced at the target of a link; a path that is not a file is refused and not changed", async () => {
    mkdirSync(join(project.root, "folder"));
    project.write("target.prom", "former");
    symlinkSync("target.prom", join(project.root, "link.prom"));
    assert.equal((await metrics("--out", "link.prom")).exitCode, 0);
    assert.equal(readlinkSync(join(project.root, "link.prom")), "target.prom");
    assert.match(project.read("target.prom"), /^wireguard_mesh_last_look_seconds \d+$/m);
    const refused = await metrics("--out", "folder");
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr, /^error: folder is not a file\n/);
  });

  it("cannot be written into a folder that is not there", async () => {
    const done = await metrics("--out", "missing/mesh.prom");
    assert.equal(done.exitCode, 1);
    assert.match(
      done.stderr,
      /^error: missing\/mesh\.prom could not be written: ENOENT.*\n.*ls -ld missing$/m,
    );
  });
});

const HELP = "# HELP wireguard_mesh_last_look_seconds UNIX timestamp of these metrics";

describe("the nodes that status calls silent", () => {
  const silentWith = (all: Record<string, HostAnswer>) =>
    silentNodes(statusReport(plan.nodes, plannedAs(plan), answers(all)));

  it("are those without a handshake for more than a day, or without any", () => {
    const tokyo = (age: number | null) => ({ tokyo: reached(asPlanned(plan, "tokyo", age)) });
    assert.deepEqual(silentWith(tokyo(86_400)), []);
    const long = silentWith(tokyo(3 * 86_400));
    assert.deepEqual(
      long.find(({ node }) => node === "phone"),
      { node: "phone", since: 259_200 },
    );
    assert.match(silentText(long), /^Silent for longer than a day: .*phone \(3 days\)/);
    const never = silentWith(tokyo(null));
    assert.deepEqual(
      never.find(({ node }) => node === "phone"),
      { node: "phone", since: null },
    );
    assert.equal(silentText(never), "");
  });

  it("do not include nodes whose neighbours could not be queried", () => {
    assert.deepEqual(silentWith({ nas: off, tokyo: off, vps: off }), []);
  });
});
