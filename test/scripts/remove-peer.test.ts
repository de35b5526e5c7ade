import assert from "node:assert/strict";
import { removePeerCommand } from "../../scripts/commands/remove-peer";
import { HOST_KEY, keyOf, STACK_FILE } from "./support/network";
import { projectOfEachTest, type Outcome } from "./support/test-project";

const FILE = "Pulumi.test.yaml";

describe("remove-peer", () => {
  const project = projectOfEachTest({ [FILE]: STACK_FILE });

  const run = (...args: string[]): Promise<Outcome> =>
    project.run([removePeerCommand()], "remove-peer", ...args);

  it("removes the peer and its private key, and nothing else", async () => {
    const { exitCode } = await run("phone");
    assert.equal(exitCode, 0);
    const expected = STACK_FILE.replace(/ {4}phone:\n( {6}.*\n)+/, "").replace(
      "    phone:\n      secure: v1:phone\n",
      "",
    );
    assert.equal(project.read(FILE), expected);
  });

  it("reports that the next up cleans a machine, and that the config on a device must be deleted by hand", async () => {
    assert.match((await run("laptop")).stdout, /the same up cleans its machine/);
    assert.match((await run("phone")).stdout, /delete the config on phone yourself/);
  });

  it("names the line of a comment above the peer, which it leaves", async () => {
    const { stdout } = await run("phone");
    const line = /the comment above it, in line (\d+), was left/.exec(stdout)?.[1];
    assert.match(project.read(FILE).split("\n")[Number(line) - 1] ?? "", /# Hanako's/);
    assert.doesNotMatch((await run("laptop")).stdout, /comment/);
  });

  it("removes the preshared keys of its links, and no others", async () => {
    const keys = (...links: string[]) =>
      `  wireguard-mesh:presharedKeys:\n${links.map((it) => `    ${it}: { secure: v1:x }\n`).join("")}`;
    project.write(FILE, STACK_FILE + keys("laptop/tokyo", "phone/tokyo"));
    assert.equal((await run("phone")).exitCode, 0);
    assert.ok(project.read(FILE).endsWith(keys("laptop/tokyo")), project.read(FILE));
  });

  it("removes the record of the config that the device got, and no other", async () => {
    const delivered = (...names: string[]) =>
      `  wireguard-mesh:delivered:\n${names.map((it) => `    ${it}: 0123456789abcdef\n`).join("")}`;
    project.write(FILE, STACK_FILE + delivered("laptop", "phone"));
    assert.equal((await run("phone")).exitCode, 0);
    assert.ok(project.read(FILE).endsWith(delivered("laptop")), project.read(FILE));
  });

  it("removes a private key without a peer", async () => {
    project.write(FILE, `${STACK_FILE}    tablet:\n      secure: v1:lost\n`);
    assert.equal((await run("tablet")).exitCode, 0);
    assert.equal(project.read(FILE), STACK_FILE);
  });

  const wrong: [string, string, string, RegExp][] = [
    ["an unknown peer", "phon", "", /there is no peer "phon"\n {2}did you mean phone\?/],
    ["a relay", "tokyo", "", /tokyo is a relay/],
    [
      "a peer that a policy names",
      "phone",
      "  wireguard-mesh:policy:\n    - { from: laptop, to: [tokyo, phone] }\n",
      /policy\[0\] names phone/,
    ],
    [
      "a peer that an expectation names",
      "phone",
      "  wireguard-mesh:expect:\n    - { from: phone, to: laptop, reach: true }\n",
      /expect\[0\] names phone/,
    ],
  ];
  for (const [what, name, more, message] of wrong) {
    it(`refuses ${what}, and leaves the file unchanged`, async () => {
      project.write(FILE, STACK_FILE + more);
      const { exitCode, stderr } = await run(name);
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
      assert.equal(project.read(FILE), STACK_FILE + more);
    });
  }

  /** With a peer that is reached only through the tunnel of a relay that is off. */
  const withNas = (): string =>
    STACK_FILE.replace("root@203.0.113.10", "root@127.0.0.1:1")
      .replace("tokyo: # in Tokyo\n", 'tokyo:\n      endpoint: "203.0.113.10:51820"\n')
      .replace(
        "    laptop:\n      address",
        `    nas: { address: 10.86.0.8, publicKey: "${keyOf("nas")}", host: "root@via:tokyo", hostKey: "${HOST_KEY}" }\n    laptop:\n      address`,
      )
      .concat("    nas:\n      secure: v1:nas\n");

  it("tries to clean a machine that is reached only through the tunnel before its relay removes it", async function () {
    this.timeout(40_000);
    project.write(FILE, withNas());
    const { exitCode, stderr, stdout } = await run("nas", "--json");
    assert.equal(exitCode, 0);
    assert.match(stderr, /nas is reached only through the tunnel/);
    assert.match(stderr, /What may be left on nas: the interface wg0/);
    assert.equal((JSON.parse(stdout) as { cleaned: string }).cleaned, "failed");
    assert.ok(!project.read(FILE).includes("nas"));
  });

  it("does not clean that machine with --keep-host", async () => {
    project.write(FILE, withNas());
    const { exitCode, stderr, stdout } = await run("nas", "--keep-host", "--json");
    assert.equal(exitCode, 0);
    assert.equal(stderr, "");
    assert.equal((JSON.parse(stdout) as { cleaned: string | null }).cleaned, null);
    assert.ok(!project.read(FILE).includes("nas"));
  });
});
