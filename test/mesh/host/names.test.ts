/** The names of nodes on a host: the lines, and the decision about /etc/hosts. */
import assert from "node:assert/strict";
import { namesLines } from "../../../mesh/host/names";
import { changeOn, decideOn, pushed, RELAY, stepsText, withFile } from "./support/examples";
import type { Host } from "./support/host";
import { boot, freshHost } from "./support/hosts";
import { BY_CLOUD_INIT, DNS_CONFIG, HOSTS, NAMES, NAMES_UNIT } from "./support/hosts-file";
import { everyChange } from "./support/situations";

const OWN = "127.0.0.1 localhost\n127.0.1.1 host\n";
const named = { ...RELAY, names: [0] };
const BLOCK = [
  "# wireguard-mesh wg0 begin",
  "10.86.0.1 host.mesh.internal",
  "10.86.0.20 node0.mesh.internal node0",
  "fd5c:10::20 node0.mesh.internal node0",
  "# wireguard-mesh wg0 end",
  "",
].join("\n");
const withHosts = (text = OWN): Host => withFile(HOSTS, text, freshHost());
const hostsOf = (host: Host): string => host.files.get(HOSTS) ?? "";

describe("the names of nodes on a host", () => {
  it("are full and short; the host's own short name and localhost stay as they are there", () => {
    const nodes = ["host 10.86.0.1 fd5c:10::1", "localhost 10.86.0.2", "nas 10.86.0.3"];
    const names = { domain: "mesh.internal", nodes, serves: false };
    assert.deepEqual(namesLines({ node: "host", names }), [
      "10.86.0.1 host.mesh.internal",
      "fd5c:10::1 host.mesh.internal",
      "10.86.0.2 localhost.mesh.internal",
      "10.86.0.3 nas.mesh.internal nas",
    ]);
    assert.equal(namesLines({ node: "host", names: null }), null);
  });

  it("become a block in /etc/hosts, without a step on the running system", () => {
    const host = pushed(RELAY, withHosts());
    const change = changeOn(host, named);
    assert.deepEqual([change.apply, change.undo], [[], []]);
    assert.deepEqual(
      stepsText(change, "commit").filter((step) => /^\S*(names|hosts)|\.hosts/.test(step)),
      [`place 644 ${NAMES}`, `hosts ${NAMES}`],
    );
    pushed(named, host);
    assert.equal(hostsOf(host), OWN + BLOCK);
    assert.equal(decideOn(host, named).kind, "nothing");
  });

  it("keep every line outside the block, and are removed without a trace", () => {
    const host = pushed(named, withHosts());
    host.files.set(HOSTS, `192.168.1.9 printer\n${hostsOf(host)}192.168.1.8 nas\n`);
    pushed(RELAY, host);
    assert.equal(hostsOf(host), `192.168.1.9 printer\n${OWN}192.168.1.8 nas\n`);
    assert.ok(!host.files.has(NAMES));
  });

  for (const [what, edit] of Object.entries({
    "a line is taken out": (text: string) => text.replace(/^10\.86\.0\.20.*\n/m, ""),
    "the file is written again by another program": () => OWN,
    "the last line of the block is missing": (text: string) => text.replace(/.*end\n/, ""),
  })) {
    it(`are put back where ${what}`, () => {
      const host = pushed(named, withHosts());
      host.files.set(HOSTS, edit(hostsOf(host)));
      assert.deepEqual(stepsText(changeOn(host, named), "apply"), []);
      pushed(named, host);
      assert.ok(hostsOf(host).endsWith(BLOCK));
      assert.equal(decideOn(host, named).kind, "nothing");
    });
  }

  it("survive a boot where cloud-init writes the file again, and leave no unit there", () => {
    const host = pushed(named, { ...withHosts(), cloudInit: true });
    boot(host);
    assert.equal(hostsOf(host), BY_CLOUD_INIT + BLOCK);
    assert.equal(decideOn(host, named).kind, "nothing");
    pushed(RELAY, host);
    assert.equal(hostsOf(host), BY_CLOUD_INIT);
    assert.deepEqual(
      [...host.files.keys(), ...host.bootLinks].filter((it) => /names/.test(it)),
      [],
    );
    assert.ok(!pushed(named).files.has(NAMES_UNIT));
  });

  it("are as before in /etc/hosts after every undo", () => {
    everyChange(({ host, before, run }) => {
      run("apply");
      run("undo");
      assert.equal(hostsOf(host), hostsOf(before));
    }, 100);
  });

  it("are in /etc/hosts and the DNS server after every commit and boot, and nothing else there changes", () => {
    everyChange(({ host, before, run, request, change }) => {
      for (const part of ["now", "apply", "commit"] as const) run(part);
      const served = structuredClone(host.dns);
      boot(host);
      assert.deepEqual(host.dns, served);
      for (const line of request.names?.nodes ?? []) {
        const [name = "", ...addresses] = line.split(" ");
        assert.deepEqual(addressesOf(`${name}.mesh.internal`, hostsOf(host)), addresses);
      }
      if (request.names === undefined)
        assert.doesNotMatch(hostsOf(host), /mesh\.internal.*\n#.*end/);
      const [config, names] = [host.files.get(DNS_CONFIG), host.files.get(NAMES)];
      assert.equal(config !== undefined, request.names?.serves === true);
      assert.deepEqual(host.dns, config === undefined ? null : { config, names });
      assert.deepEqual(foreignLines(host), foreignLines(before), JSON.stringify(change.commit));
    }, 100);
  });
});

/** hosts(5), read without the code under test. */
function addressesOf(name: string, text: string): string[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
  const found = lines.flatMap(([address = "", ...names]) =>
    names.includes(name) ? [address] : [],
  );
  return [...new Set(found)];
}

/** The lines that no push wrote. */
function foreignLines(host: Host): string[] {
  return hostsOf(host)
    .split("\n")
    .filter((line) => !line.includes("mesh"));
}
