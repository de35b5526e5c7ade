import assert from "node:assert/strict";
import { planCommand } from "../../scripts/commands/plan";
import { keyOf, STACK_FILE } from "./support/network";
import { makeTestProject, type Outcome, type TestProject } from "./support/test-project";

describe("plan", () => {
  let project: TestProject;

  beforeEach(() => {
    project = makeTestProject();
    project.write("Pulumi.test.yaml", STACK_FILE);
  });

  afterEach(() => {
    assert.deepEqual(project.engineCalls(), [], "plan needs no engine");
    project.remove();
  });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([planCommand()], "plan", ...args);
  const PHONE = `# wireguard-mesh: phone
[Interface]
PrivateKey = (hidden)
Address = 10.86.0.4/24

# tokyo
[Peer]
PublicKey = ${keyOf("tokyo")}
AllowedIPs = 10.86.0.0/24
Endpoint = 203.0.113.10:51820
PersistentKeepalive = 25
`;

  it("prints its JSON in the form that scripts rely on", async () => {
    const { exitCode, stdout, stderr } = await run("--json");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const plan = JSON.parse(stdout) as { configs: Record<string, string> };
    const node = (kind: string, name: string, address: string) => ({
      kind,
      address,
      address6: null,
      publicKey: keyOf(name),
    });
    assert.deepEqual(plan, {
      ok: true,
      outdated: [],
      issues: [],
      nodes: {
        laptop: node("peer", "laptop", "10.86.0.2"),
        phone: node("peer", "phone", "10.86.0.4"),
        tokyo: node("relay", "tokyo", "10.86.0.1"),
      },
      links: [
        { a: "laptop", b: "tokyo" },
        { a: "phone", b: "tokyo" },
      ],
      configs: { ...plan.configs, phone: PHONE },
    });
    assert.deepEqual(Object.keys(plan.configs), ["laptop", "phone", "tokyo"]);
  });

  it("adds every ordered pair with --reach", async () => {
    const { stdout } = await run("--json", "--reach");
    const { reach } = JSON.parse(stdout) as {
      reach: { from: string; to: string; path: string[] }[];
    };
    assert.equal(reach.length, 6);
    assert.deepEqual(reach[0], { from: "laptop", to: "phone", path: ["laptop", "tokyo", "phone"] });
  });

  it("exits with 1, all mistakes and empty parts, where the config cannot be planned", async () => {
    project.write(
      "Pulumi.test.yaml",
      STACK_FILE.replace("10.86.0.4", "10.86.0.2").replace("enabled", "enabld"),
    );
    const { exitCode, stdout } = await run("--json", "--reach");
    assert.equal(exitCode, 1);
    const { issues, ...rest } = JSON.parse(stdout) as { issues: { path: string }[] };
    assert.deepEqual(rest, {
      ok: false,
      nodes: {},
      links: [],
      configs: {},
      reach: [],
      outdated: [],
    });
    assert.deepEqual(issues.map(({ path }) => path).sort(), [
      "peers.phone.address",
      "peers.phone.enabld",
    ]);
    assert.deepEqual(Object.keys(issues[0] ?? {}).sort(), [
      "message",
      "path",
      "remedy",
      "severity",
    ]);
    const text = await run();
    assert.equal(text.exitCode, 1);
    assert.match(
      text.stdout,
      /peers\.phone\.enabld: is not a known key\n {6}did you mean enabled\?/,
    );
  });

  it("prints the nodes, the links, and the reachability", async () => {
    const { stdout } = await run();
    assert.equal(
      stdout,
      `NODE    KIND   ADDRESS    ENDPOINT            LANS  CONFIG
laptop  peer   10.86.0.2  -                   -     pushed to this machine
phone   peer   10.86.0.4  -                   -     file or QR code
tokyo   relay  10.86.0.1  203.0.113.10:51820  -     pushed to root@203.0.113.10

Links
  laptop dials tokyo at 203.0.113.10:51820, persistent keepalive 25 s
  phone dials tokyo at 203.0.113.10:51820, persistent keepalive 25 s

Reachability
  peers of tokyo: laptop, phone
  peers of tokyo -> peers of tokyo: through tokyo
  peers of tokyo -> tokyo: direct
  tokyo -> peers of tokyo: direct

Private keys were not read: \`preview\` shows a rotation that was started by
  setting only a private key.
`,
    );
  });

  it("lists the routes that a LAN's router needs, with the gateway's LAN address where it is known", async () => {
    const lans = (text: string) =>
      text
        .replace("enabled: true", "subnets: [192.168.20.0/24]")
        .replace(
          "      host: local\n",
          "      host: local\n      site: office\n      siteEndpoint: 192.168.10.5:51820\n      subnets: [192.168.10.0/24]\n",
        );
    project.write("Pulumi.test.yaml", lans(STACK_FILE));
    assert.ok(
      (await run()).stdout.includes(`Routes that the routers of these LANs need for replies
  on the router of 192.168.10.0/24:
    ip route add 10.86.0.0/24 via 192.168.10.5
    ip route add 192.168.20.0/24 via 192.168.10.5
  on the router of 192.168.20.0/24:
    ip route add 10.86.0.0/24 via <the LAN address of phone>
    ip route add 192.168.10.0/24 via <the LAN address of phone>
`),
    );
  });

  it("says through which exit a device leaves, and asks for no routes where the gateway masquerades", async () => {
    const gateway = "host: local\n      subnets: [192.168.10.0/24]\n";
    const written = STACK_FILE.replace("host: root@203", "exit: true\n      host: root@203")
      .replace("enabled: true", "routeAll: true")
      .replace("host: local\n", gateway);
    project.write("Pulumi.test.yaml", written);
    const before = (await run()).stdout;
    for (const text of [before, (await run("--reach")).stdout])
      assert.match(text, /^ {2}phone -> the internet: through tokyo$/m);
    assert.match(before, /Routes that the routers/);
    project.write(
      "Pulumi.test.yaml",
      written.replace(gateway, `${gateway}      masquerade: true\n`),
    );
    assert.doesNotMatch((await run()).stdout, /Routes that the routers/);
  });

  it("lists a LAN by its own prefix for its own router, and by that in the network for others", async () => {
    const home = "subnets: [{ lan: 192.168.1.0/24, as: 10.99.1.0/24 }]";
    const other = "subnets: [192.168.20.0/24]";
    const written = STACK_FILE.replace("enabled: true", other).replace(
      "host: local\n",
      `host: local\n      ${home}\n`,
    );
    project.write("Pulumi.test.yaml", written);
    const { stdout } = await run();
    assert.match(stdout, /10\.99\.1\.0\/24 \(192\.168\.1\.0\/24\)/);
    assert.ok(
      stdout.includes(`  on the router of 192.168.1.0/24:
    ip route add 10.86.0.0/24 via <the LAN address of laptop>
    ip route add 192.168.20.0/24 via <the LAN address of laptop>
  on the router of 192.168.20.0/24:
    ip route add 10.86.0.0/24 via <the LAN address of phone>
    ip route add 10.99.1.0/24 via <the LAN address of phone>
`),
      stdout,
    );
  });

  it("prints a general rule and a line for each LAN instead of all routes if there are many LANs", async () => {
    const peers = (count: number) =>
      Array.from({ length: count }, (_, at) => {
        const subnet = `172.16.${at}.0/24`;
        return `    gw${at}: { address: 10.86.1.${at + 1}, publicKey: ${keyOf(`gateway ${at}`)}, subnets: [${subnet}] }\n`;
      }).join("");
    const withLans = (count: number) =>
      STACK_FILE.replace("10.86.0.0/24", "10.86.0.0/16").replace(
        "    laptop:",
        `${peers(count)}    laptop:`,
      );
    const routes = async (count: number): Promise<string[]> => {
      project.write("Pulumi.test.yaml", withLans(count));
      const { stdout, stderr } = await run();
      const at = stdout.indexOf("Routes that");
      assert.notEqual(at, -1, stderr + stdout);
      return stdout.slice(at).split("\n\n")[0]?.split("\n") ?? [];
    };
    const ten = await routes(10);
    assert.deepEqual(ten.slice(0, 6), [
      "Routes that the routers of these LANs need for replies",
      "  Each to 10.86.0.0/16 and to all the other LANs of this list, through its",
      "  gateway:",
      "    ip route add 10.86.0.0/16 via <the LAN address of gw0>",
      "      on the router of 172.16.0.0/24",
      "  LAN            GATEWAY'S LAN ADDRESS  GATEWAY",
    ]);
    assert.equal((await routes(80)).length - ten.length, 70);
  });

  it("prints one node's file, and every node's with --configs", async () => {
    assert.equal((await run("phone")).stdout, PHONE);
    const { stdout } = await run("phone", "--json");
    assert.deepEqual(JSON.parse(stdout), { node: "phone", config: PHONE });
    assert.ok(
      (await run("--configs")).stdout.endsWith(
        `[Peer]\nPublicKey = ${keyOf("phone")}\nAllowedIPs = 10.86.0.4/32\n`,
      ),
    );
    const { exitCode, stderr } = await run("fone");
    assert.equal(exitCode, 2);
    assert.match(stderr, /no node "fone"\n {2}its nodes: laptop, phone, tokyo/);
  });

  it("prints a node's nftables table below its file, with an empty line between", async () => {
    project.write("Pulumi.test.yaml", `${STACK_FILE}  wireguard-mesh:policy: []\n`);
    const table = "table inet wireguard-mesh-wg0 {\n\tset from-ping {\n";
    const { stdout } = await run("tokyo");
    assert.ok(stdout.includes(`AllowedIPs = 10.86.0.4/32\n\n${table}`), stdout);
    const { filter } = JSON.parse((await run("tokyo", "--json")).stdout) as { filter: string };
    assert.ok(stdout.endsWith(`\n\n${filter}`));
  });

  it("treats a missing file, and one without a config, as wrong usage", async () => {
    for (const file of ["absent.yaml", "Pulumi.yaml"]) {
      const { exitCode, stderr } = await run("--file", file);
      assert.equal(exitCode, 2);
      assert.match(stderr, new RegExp(file));
    }
    assert.equal((await run("--bogus")).exitCode, 2);
    assert.equal((await run("--help")).exitCode, 0);
  });
});
