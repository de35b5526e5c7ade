import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { handOverCommand } from "../../scripts/commands/hand-over";
import { handOverPage } from "../../scripts/commands/hand-over/page";
import { HOST_KEY, keyOf, nodeOf, planWithKeys, STACK_FILE } from "./support/network";
import { projectOfEachTest } from "./support/test-project";

const CONFIG = "[Interface]\nPrivateKey = a<b&c\nAddress = 10.86.0.4/24\n";

/** The page of one device in a network with a relay, a gateway and a laptop. */
function page(phone: object = {}, rest: { network?: object; policy?: object[] } = {}): string {
  const peer = (last: number, name: string) => ({
    address: `10.86.0.${last}`,
    publicKey: keyOf(name),
  });
  const pushed = { host: "root@192.0.2.7", hostKey: HOST_KEY };
  const plan = planWithKeys({
    ...rest,
    relays: {
      tokyo: { ...peer(1, "tokyo"), host: "root@203.0.113.10", hostKey: HOST_KEY, exit: true },
    },
    peers: {
      phone: { ...peer(4, "phone"), ...phone },
      nas: { ...peer(5, "nas"), ...pushed, subnets: ["192.168.9.0/24"], tags: ["box"] },
      laptop: { ...peer(2, "laptop"), host: "local" },
    },
  });
  return handOverPage({ node: nodeOf(plan, "phone"), plan, file: CONFIG, code: "<svg></svg>" });
}

describe("the hand-over page", () => {
  it("loads nothing, and lets nothing run: its policy allows only its own style", () => {
    const html = page();
    const [, style = ""] = /<style>([^]*?)<\/style>/.exec(html) ?? [];
    const digest = createHash("sha256").update(style).digest("base64");
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? [];
    assert.equal(
      policy,
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    );
    assert.doesNotMatch(
      html,
      /<(script|img|link|iframe|object)\b|\bsrc=|style=|@import|url\(|\son\w+=/,
    );
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, target = ""]) => target);
    assert.ok(links.length > 0 && links.every((target) => target.startsWith("data:")));
  });

  it("has the file to download, byte for byte, and to copy", () => {
    const html = page();
    const [, name, data = ""] =
      /download="([^"]*)" href="data:application\/octet-stream;base64,([^"]*)"/.exec(html) ?? [];
    assert.equal(name, "phone.conf");
    assert.equal(Buffer.from(data, "base64").toString(), CONFIG);
    assert.ok(html.includes("<pre>[Interface]\nPrivateKey = a&lt;b&amp;c\n"));
  });

  it("says what the device reaches, by name, address and LAN", () => {
    const html = page();
    assert.deepEqual(placesOf(html), [
      "<b>laptop</b> (10.86.0.2)",
      "<b>nas</b> (10.86.0.5)",
      "192.168.9.0/24, the network behind nas",
      "<b>tokyo</b> (10.86.0.1)",
    ]);
    assert.match(html, /Everything else, such as web pages, goes past the tunnel/);
    assert.doesNotMatch(html, /stops working/);
  });

  it("lists only what a policy allows", () => {
    const policy = [{ from: ["phone"], to: ["tag:box"], ports: ["tcp/443"] }];
    assert.deepEqual(placesOf(page({}, { policy })), [
      "<b>nas</b> (10.86.0.5): only tcp/443",
      "<b>tokyo</b> (10.86.0.1): ping only",
    ]);
  });

  it("has names with their domain, the exit and the expiry date", () => {
    const html = page(
      { routeAll: true, expires: "2026-12-31" },
      { network: { domain: "mesh.internal" } },
    );
    assert.equal(placesOf(html)[0], "<b>laptop.mesh.internal</b> (10.86.0.2)");
    assert.match(html, /All its other traffic goes to the internet through <b>tokyo<\/b>/);
    assert.match(html, /It stops working at <b>2027-01-01 00:00 UTC<\/b>/);
  });

  it("has three steps for each platform", () => {
    const lists = [...page().matchAll(/<summary>(.*)<\/summary>\n<ol>\n([^]*?)\n<\/ol>/g)];
    assert.deepEqual(
      lists.map(([, platform, steps = ""]) => [platform, steps.split("\n").length]),
      ["iPhone, iPad", "Android", "Windows", "Mac", "Linux"].map((platform) => [platform, 3]),
    );
  });
});

function placesOf(html: string): string[] {
  const [, list = ""] = /<ul>\n([^]*?)\n<\/ul>/.exec(html) ?? [];
  return list.split("\n").map((item) => item.replace(/^<li>(.*)<\/li>$/, "$1"));
}

describe("hand-over", () => {
  const project = projectOfEachTest({
    "Pulumi.test.yaml": STACK_FILE,
    "bin/configs": JSON.stringify({ phone: CONFIG }),
  });

  it("writes NODE.html, which only its owner may read", async () => {
    const { exitCode, stdout } = await project.run([handOverCommand()], "hand-over", "phone");
    assert.equal(exitCode, 0);
    assert.match(stdout, /^phone\.html is the page for phone\. It is secret/);
    assert.equal(statSync(join(project.root, "phone.html")).mode & 0o777, 0o600);
    assert.match(project.read("phone.html"), /<div class="code".*><svg /);
  });

  it("has no code for a device with its own key, and says where the key goes", async () => {
    const file = STACK_FILE.replace("    phone:\n      secure: v1:phone\n", "");
    project.write("Pulumi.test.yaml", file);
    assert.equal((await project.run([handOverCommand()], "hand-over", "phone")).exitCode, 0);
    const html = project.read("phone.html");
    assert.doesNotMatch(html, /<svg|QR code/);
    assert.match(html, /The file has a gap/);
  });

  it("has no code where the config is too large for one, and says so", async () => {
    project.write("bin/configs", JSON.stringify({ phone: CONFIG + "DNS = ::1\n".repeat(400) }));
    const { exitCode, stderr } = await project.run([handOverCommand()], "hand-over", "phone");
    assert.equal(exitCode, 0);
    assert.match(stderr, /larger than a QR code can hold .*: the page has only the file/);
    assert.doesNotMatch(project.read("phone.html"), /<svg/);
  });

  it("gives the file a valid tunnel name: 15 characters at most", async () => {
    const name = "living-room-tv-at-home";
    project.write("Pulumi.test.yaml", STACK_FILE.replaceAll("phone", name));
    project.write("bin/configs", JSON.stringify({ [name]: CONFIG }));
    assert.equal((await project.run([handOverCommand()], "hand-over", name)).exitCode, 0);
    assert.match(project.read(`${name}.html`), /download="living-room-tv\.conf"/);
  });
});
