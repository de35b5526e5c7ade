import assert from "node:assert/strict";
import fc from "fast-check";
import { mermaidOf } from "../../../mesh/graph/mermaid";
import { pictureOf, type Picture } from "../../../mesh/graph/picture";
import { graphOutput } from "../../../mesh/graph/output";
import { topologyOf } from "../../../mesh/graph/topology";
import type { RawConfig } from "../../../mesh/config/read-draft";
import { HOST_KEY, keyOf, planWithKeys } from "../../scripts/support/network";
import { networks, type RawNetwork } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { changed } from "../../support/small-network";

const drawn = (raw: RawConfig) => mermaidOf(pictureOf(topologyOf(planOf(raw))));
const body = (text: string) => text.split("\n").filter((line) => !line.startsWith("  classDef"));

describe("a picture in Mermaid", () => {
  it("of a relay and two devices", () => {
    assert.equal(
      drawn(changed()),
      `%%{init: {"flowchart": {"wrappingWidth": 600}}}%%
flowchart RL
  n_tokyo[["<b>tokyo</b><br/>relay<br/>10.86.0.1<br/>at 203.0.113.10:51820"]]:::relay
  n_desktop("<b>desktop</b><br/>device<br/>10.86.0.2"):::node
  n_laptop("<b>laptop</b><br/>device<br/>10.86.0.3"):::node
  n_desktop --> n_tokyo
  n_laptop --> n_tokyo
  classDef node fill:#ffffff,stroke:#57606a,color:#1f2328
  classDef relay fill:#ddf4ff,stroke:#0969da,color:#1f2328
`,
    );
  });

  it("has sites, direct links, LANs, exits, and the policy as text", () => {
    const on = (byte: number) => ({ host: `root@192.0.2.${byte}`, hostKey: HOST_KEY });
    const at = (byte: number) => ({ address: `10.86.0.${byte}`, publicKey: keyOf(`node ${byte}`) });
    const plan = planWithKeys({
      policy: [
        { from: ["*"], to: ["server"] },
        { from: ["phone"], to: ["*"], ports: ["tcp/443"] },
      ],
      relays: { tokyo: { ...at(1), ...on(1), endpoint: "vpn.example.org:51820", exit: true } },
      peers: {
        "my-nas": {
          ...{ ...at(2), ...on(2), site: "home" },
          subnets: [{ lan: "192.168.1.0/24", as: "10.99.1.0/24" }],
        },
        phone: { ...at(3), routeAll: true, dns: ["9.9.9.9"], blockIpv6: true },
        server: { ...at(4), ...on(4), site: "home", siteEndpoint: "192.168.1.9:51820" },
      },
    });
    assert.deepEqual(body(mermaidOf(pictureOf(topologyOf(plan)))), [
      '%%{init: {"flowchart": {"wrappingWidth": 600}}}%%',
      "flowchart RL",
      '  internet(("the internet")):::place',
      '  n_tokyo[["<b>tokyo</b><br/>relay and exit<br/>10.86.0.1<br/>at vpn.example.org:51820"]]:::relay',
      '  n_phone("<b>phone</b><br/>device<br/>10.86.0.3"):::node',
      '  subgraph site_home["site home, behind NAT"]',
      '    n_my_nas["<b>my-nas</b><br/>10.86.0.2"]:::node',
      '    n_server["<b>server</b><br/>10.86.0.4"]:::node',
      '    lan_10_99_1_0_24_of_n_my_nas(["LAN 10.99.1.0/24 for 192.168.1.0/24"]):::place',
      "  end",
      '  n_tokyo -->|"for phone"| internet',
      "  n_my_nas ==> n_server",
      "  n_my_nas --> n_tokyo",
      "  n_phone --> n_tokyo",
      "  n_server --> n_tokyo",
      "  lan_10_99_1_0_24_of_n_my_nas -.- n_my_nas",
      '  note_0["<b>Policy: who may start what to whom</b><br/>#42; -#62; server<br/>phone -#62; #42;: tcp/443"]:::place',
      '  note_1["An arrow leads to the end that is dialled.<br/>Thick: a direct tunnel between peers. Thin: a tunnel to a relay, which forwards packets."]:::place',
      "",
    ]);
  });

  it("shows what does not work by dashes and text, not only by colours", () => {
    const topology = topologyOf(planOf(changed()));
    const dead = { tone: "bad", words: "dead" } as const;
    const nodes = topology.nodes.map((node) =>
      node.name === "laptop" ? { ...node, mark: dead } : node,
    );
    const links = topology.links.map((link) =>
      link.a === "laptop" ? { ...link, mark: dead } : link,
    );
    const text = mermaidOf(pictureOf({ ...topology, nodes, links }));
    assert.match(
      text,
      /^ {2}n_laptop\("<b>laptop<\/b><br\/>device<br\/>10\.86\.0\.3<br\/>dead"\):::bad$/m,
    );
    assert.match(text, /^ {2}n_laptop -\.->\|"dead"\| n_tokyo$/m);
    assert.match(text, /^ {2}classDef bad .*stroke-dasharray:4/m);
  });

  it("shows that an EC2 relay has no address yet", () => {
    const topology = topologyOf(planOf(changed()));
    const nodes = topology.nodes.map((node) => ({ ...node, endpoint: "<eip:tokyo>:51820" }));
    const text = mermaidOf(pictureOf({ ...topology, nodes }));
    assert.match(text, /^ {2}n_tokyo\[\[.*<br\/>at its Elastic IP:51820"\]\]:::relay$/m);
  });

  it("escapes every character that is special in Mermaid, HTML or Markdown", () => {
    const text = `"]; click x #quot; <img src=x onerror=y> &lt; \`a\` *b* _c_ {d} |e| \\ %% 1\nend`;
    const box = { id: "n_x", kind: "peer", site: "site_s", text: [text], mark: null } as const;
    const picture: Picture = {
      boxes: [{ ...box, text: [text] }],
      sites: [{ id: "site_s", title: text }],
      lines: [{ inner: "n_x", outer: "n_x", kind: "exit", dialled: null, label: text, mark: null }],
      notes: [{ title: text, lines: [text] }],
    };
    const quoted = [
      ...mermaidOf(picture)
        .replace(/^.*\n/, "")
        .matchAll(/"([^"\n]*)"/g),
    ].map(([, inside = ""]) => inside.replaceAll(/<\/?b>|<br\/>/g, ""));
    assert.equal(quoted.length, 4);
    for (const inside of quoted) {
      assert.doesNotMatch(inside.replaceAll(/#\d+;/g, ""), /[^\p{L}\p{N} .,:/()-]/u);
      assert.equal(decoded(inside).replaceAll(text, ""), "");
    }
  });

  it("does not depend on the order in the config", () => {
    const reversed = (map: object) => Object.fromEntries(Object.entries(map).reverse());
    fc.assert(
      fc.property(networks, (raw) => {
        const { relays, peers } = raw;
        const other = { ...raw, relays: reversed(relays), peers: reversed(peers) };
        assert.equal(drawn(other), drawn(raw));
      }),
    );
  });

  it("changes only in the peer's own lines when a peer is added", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        fc.pre(Object.keys(raw.relays).length > 0);
        const before = body(drawn(raw));
        const after = body(drawn(withOneMore(raw)));
        const isNew = (line: string) => /\bn_new_one\b/.test(line);
        assert.ok(after.some(isNew));
        const isLegend = (line: string) => line.includes("An arrow leads to");
        assert.deepEqual(
          after.filter((line) => !isNew(line) && !isLegend(line)),
          before.filter((line) => !isLegend(line)),
        );
      }),
    );
  });

  it("is an output of the stack up to a size limit", () => {
    const small = planOf(changed());
    assert.equal(graphOutput(small), mermaidOf(pictureOf(topologyOf(small))));
    // Each in a site of its own, so that they are not grouped.
    const peers = Array.from({ length: 150 }, (_, at): [string, object] => [
      `p${at}`,
      { address: `10.86.1.${at + 1}`, publicKey: keyOf(`p${at}`), site: `s${at}` },
    ]);
    const config = { ...changed({ network: { cidr: "10.86.0.0/16" } }), privateKeys: undefined };
    assert.equal(graphOutput(planOf({ ...config, peers: Object.fromEntries(peers) })), undefined);
  });
});

/** As Mermaid shows it. */
function decoded(text: string): string {
  return text.replaceAll(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

/** A device that cannot be dialled. */
function withOneMore(raw: RawNetwork): RawNetwork {
  const nodes = [...Object.values(raw.relays), ...Object.values(raw.peers)];
  const address = Array.from({ length: 254 }, (_, at) => `10.86.0.${at + 1}`).find((free) =>
    nodes.every((node) => node["address"] !== free),
  );
  const peer = { address, publicKey: keyOf("new-one") };
  return { ...raw, peers: { ...raw.peers, "new-one": peer } };
}
