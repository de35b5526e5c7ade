import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mermaidOf } from "../../mesh/graph/mermaid";
import { pictureOf } from "../../mesh/graph/picture";
import { topologyOf } from "../../mesh/graph/topology";
import { svgOf } from "../../scripts/cli/svg";
import { graphCommand } from "../../scripts/commands/graph";
import type { HostAnswer } from "../../scripts/stack/query-hosts";
import { linkStates } from "../../scripts/stack/link-states";
import { liveTopology } from "../../scripts/stack/live-topology";
import { planWithKeys, STACK_FILE, keyOf, HOST_KEY } from "./support/network";
import { allAsPlanned, asPlanned, plan, reached } from "./support/planned-network";
import { stateOf } from "./support/preview-events";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const DESKTOP = `    desktop:
      address: 10.86.0.3
      publicKey: ${keyOf("desktop")}
      host: root@192.0.2.3
      hostKey: ${HOST_KEY}
`;
const LARGER = STACK_FILE.replace("    # Hanako's\n", `${DESKTOP}    # Hanako's\n`).replace(
  "    laptop:\n      secure: v1:laptop\n",
  "    desktop:\n      secure: v1:desktop\n    laptop:\n      secure: v1:laptop\n",
);

describe("graph", () => {
  const project = projectOfEachTest({ "Pulumi.test.yaml": STACK_FILE });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([graphCommand()], "graph", ...args);

  const SMALL = `%%{init: {"flowchart": {"wrappingWidth": 600}}}%%
flowchart RL
  n_tokyo[["<b>tokyo</b><br/>relay<br/>10.86.0.1<br/>at 203.0.113.10:51820"]]:::relay
  n_laptop["<b>laptop</b><br/>10.86.0.2"]:::node
  n_phone("<b>phone</b><br/>device<br/>10.86.0.4"):::node
  n_laptop --> n_tokyo
  n_phone --> n_tokyo
  classDef node fill:#ffffff,stroke:#57606a,color:#1f2328
  classDef relay fill:#ddf4ff,stroke:#0969da,color:#1f2328
`;

  it("prints Mermaid text without the engine", async () => {
    assert.deepEqual(await run(), { exitCode: 0, stdout: SMALL, stderr: "" });
    assert.deepEqual(project.engineCalls(), []);
  });

  it("writes no text to a file that is named like a bitmap or a PDF", async () => {
    const { exitCode, stderr } = await run("--out", "network.PNG");
    assert.equal(exitCode, 2);
    assert.match(stderr, /network\.PNG would be neither\n {2}name it network\.svg/);
    assert.throws(() => project.read("network.PNG"));
  });

  it("writes SVG to a file that ends in .svg, and any format anywhere", async () => {
    const { exitCode, stdout } = await run("--out", "network.svg");
    assert.deepEqual([exitCode, stdout], [0, "network.svg is the picture of the network.\n"]);
    assert.match(project.read("network.svg"), /^<\?xml[^]*<svg [^]*>laptop<\/text>[^]*<\/svg>\n$/);
    assert.equal((await run("--format", "svg")).stdout, project.read("network.svg"));
    await run("--format", "mermaid", "--out", "network.svg");
    assert.equal(project.read("network.svg"), SMALL);
  });

  it("marks what the file adds and removes since the last up", async () => {
    const laptop = { address: "10.86.0.2", publicKey: keyOf("laptop"), host: "local" };
    const tokyo = { address: "10.86.0.1", publicKey: keyOf("tokyo"), hostKey: HOST_KEY };
    const nas = { address: "10.86.0.9", publicKey: keyOf("nas") };
    const before = planWithKeys({
      relays: { tokyo: { ...tokyo, host: "root@203.0.113.10" } },
      peers: { laptop, nas },
    });
    project.write("bin/state", stateOf(before));
    const { exitCode, stdout, stderr } = await run("--diff");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /^ {2}n_nas\("<b>nas<\/b>.*<br\/>removed"\):::removed$/m);
    assert.match(stdout, /^ {2}n_nas -\.-> n_tokyo$/m);
    assert.match(stdout, /^ {2}n_phone\("<b>phone<\/b>.*<br\/>added"\):::added$/m);
    assert.match(stdout, /^ {2}n_laptop\["<b>laptop<\/b><br\/>10\.86\.0\.2"\]:::node$/m);
    assert.match(stdout, /"Others that change: tokyo"/);
  });

  it("compares with another version of the file, without the engine", async () => {
    project.write("Pulumi.test.yaml", LARGER);
    writeFileSync(join(project.root, "former.yaml"), STACK_FILE);
    const { stdout } = await run("--diff", "--from", "former.yaml");
    assert.match(stdout, /^ {2}n_desktop\[.*added"\]:::added$/m);
    assert.equal(stdout.match(/:::(added|removed)/g)?.length, 1);
    assert.deepEqual(project.engineCalls(), []);
  });

  it("prints the network and the picture as JSON", async () => {
    const { stdout } = await run("--json");
    const json = JSON.parse(stdout) as Record<string, unknown>;
    assert.equal(json["picture"], SMALL);
    assert.deepEqual(json["links"], [
      { a: "laptop", b: "tokyo", dials: "a", direct: false, mark: null },
      { a: "phone", b: "tokyo", dials: "a", direct: false, mark: null },
    ]);
  });

  it("refuses what it cannot draw, or write", async () => {
    const both = await run("--live", "--diff");
    assert.deepEqual([both.exitCode, both.stdout], [2, ""]);
    assert.match(both.stderr, /either --live or --diff/);
    assert.equal((await run("--format", "png")).exitCode, 2);
    const unwritten = await run("--out", "missing/network.svg");
    assert.equal(unwritten.exitCode, 1);
    assert.match(unwritten.stderr, /missing\/network\.svg could not be written: ENOENT/);
  });
});

describe("a live picture", () => {
  const shown = (answers: Record<string, HostAnswer>) => {
    const all = new Map(Object.entries(answers));
    const topology = liveTopology(plan, linkStates(plan, all), all);
    return {
      nodes: Object.fromEntries(topology.nodes.map(({ name, mark }) => [name, mark?.words])),
      links: Object.fromEntries(
        topology.links.map(({ a, b, mark }) => [`${a} ${b}`, mark?.words ?? "-"]),
      ),
      text: mermaidOf(pictureOf(topology)),
    };
  };
  const well = allAsPlanned();

  it("labels each node of a healthy network as alive, and no links", () => {
    const { nodes, links } = shown(well);
    assert.deepEqual(nodes, { nas: "alive", phone: "alive", tokyo: "alive", vps: "alive" });
    assert.deepEqual([...new Set(Object.values(links))], [""]);
  });

  it("shows a node that is down, and the other tunnels of its neighbours", () => {
    const { nodes, links, text } = shown({ ...well, nas: reached(asPlanned(plan, "nas", null)) });
    assert.deepEqual(nodes, {
      nas: "dead",
      phone: "alive",
      tokyo: "2 of 3 tunnels alive",
      vps: "2 of 3 tunnels alive",
    });
    const dead = ["nas tokyo", "nas vps"];
    assert.deepEqual(
      Object.entries(links).filter(([, words]) => words !== ""),
      dead.map((link) => [link, "dead"]),
    );
    assert.match(text, /^ {2}n_nas\["<b>nas<\/b>.*<br\/>dead"\]:::bad$/m);
    assert.match(text, /^ {2}n_nas -\.->\|"dead"\| n_tokyo$/m);
  });

  it("distinguishes a host that could not be queried from one without tunnels", () => {
    const { nodes } = shown({ ...well, nas: { reachable: false, cause: "no route to host" } });
    assert.deepEqual(nodes, { ...nodes, nas: "alive, not reached", tokyo: "alive" });
  });

  it("does not show a link as dead if neither end could be queried", () => {
    const silent: HostAnswer = { reachable: false, cause: "off" };
    const { nodes, links } = shown({ nas: silent, tokyo: silent, vps: silent });
    assert.deepEqual(nodes, {
      nas: "not reached",
      phone: "not known",
      tokyo: "not reached",
      vps: "not reached",
    });
    assert.deepEqual([...new Set(Object.values(links))], ["not known"]);
  });
});

describe("a picture as SVG", () => {
  it("shows any text as it is, and names no file and no other host", async () => {
    const text = `a & b <b>c</b> "d" \\N \\G \\\\ &lt; é`;
    const picture = pictureOf(topologyOf(plan));
    const box = { id: "x", kind: "peer" as const, site: null, text: [text], mark: null };
    const svg = await svgOf({ ...picture, boxes: [box], lines: [], sites: [] });
    const shown = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, inner = ""]) => inner);
    assert.ok(shown.map(plain).includes(text), shown.join("\n"));
    assert.doesNotMatch(
      svg.replaceAll(/http:\/\/www\.w3\.org\/\S+/g, ""),
      /https?:|href|<image|<title/,
    );
  });
});

/** As a viewer shows it. */
function plain(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");
}
