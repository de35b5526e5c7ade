/** The ssh_config that `ssh-config` prints, as text and as ssh itself reads it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Secret } from "../../mesh/secret";
import { NO_INSTANCES, interactiveAccess } from "../../scripts/stack/host-access";
import { sshConfig, type ConfigOptions } from "../../scripts/stack/ssh-config";
import { hostKeyLine } from "../support/key-pairs";
import { planOf } from "../support/plan-of";
import { changed } from "../support/small-network";

const [tokyoKey, desktopKey] = [hostKeyLine(0), hostKeyLine(1)];
const [, BLOB = ""] = desktopKey.split(" ");

const plan = planOf(
  changed({
    privateKeys: Secret.sealed(),
    relays: { tokyo: { host: "root@203.0.113.10:2222", hostKey: tokyoKey } },
    peers: {
      desktop: { host: ["taro@127.0.0.1:9", "taro@via:tokyo"], hostKey: desktopKey },
      laptop: { host: "local" },
    },
  }),
);

const OPTIONS: ConfigOptions = {
  owner: "wireguard-mesh/dev",
  prefix: "",
  domain: null,
  identity: null,
  knownHostsFile: "/home/taro/.ssh/wireguard-mesh/known_hosts",
  isInside: false,
};

function made(options: Partial<ConfigOptions> = {}) {
  const all = { ...OPTIONS, ...options };
  const access = { plan, owner: all.owner, sshPrivateKey: null, instances: NO_INSTANCES };
  const nodes = plan.nodes.map((node) => {
    return { node, targets: interactiveAccess(node, access, all.isInside).targets };
  });
  return sshConfig(nodes, all);
}

describe("the ssh_config of a network", () => {
  it("has each host with SSH, with its direct address only while the right machine answers there", () => {
    const trust = [
      "  UserKnownHostsFile /home/taro/.ssh/wireguard-mesh/known_hosts",
      "  GlobalKnownHostsFile /dev/null",
      "  StrictHostKeyChecking yes",
      "  UpdateHostKeys no",
      "  CheckHostIP no",
      "  VerifyHostKeyDNS no",
      "  NoHostAuthenticationForLocalhost no",
    ];
    assert.deepEqual(made(), {
      hosts: ["desktop", "tokyo"],
      config: [
        "# wireguard-mesh ssh-config",
        "# The hosts of wireguard-mesh/dev. Run wireguard-mesh ssh-config again when their addresses or keys have changed.",
        "",
        `Match originalhost desktop host desktop exec "sh -c 'ssh-keyscan -T 2 -p 9 -t ed25519 127.0.0.1 2>/dev/null | grep -qF ${BLOB}'"`,
        "  HostName 127.0.0.1",
        "  User taro",
        "  Port 9",
        "  ProxyJump none",
        "Host desktop",
        "  HostName 10.86.0.2",
        "  User taro",
        "  Port 22",
        "  ProxyJump tokyo",
        "  HostKeyAlias wireguard-mesh-desktop",
        "  HostKeyAlgorithms ssh-ed25519",
        ...trust,
        "",
        "Host tokyo",
        "  HostName 203.0.113.10",
        "  User root",
        "  Port 2222",
        "  ProxyJump none",
        "  HostKeyAlias wireguard-mesh-tokyo",
        "  HostKeyAlgorithms ssh-ed25519",
        ...trust,
        "",
      ].join("\n"),
      knownHosts: `wireguard-mesh-desktop ${desktopKey}\nwireguard-mesh-tokyo ${tokyoKey}\n`,
    });
  });

  describe("as ssh reads it", () => {
    let folder: string;
    before(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-ssh-config-"));
    });
    after(() => {
      fs.rmSync(folder, { recursive: true });
    });

    /** `KEYWORD VALUE` lines, from a config that is included before the user's own. */
    function read(host: string, options: Partial<ConfigOptions> = {}): string {
      const [own, ours] = ["own", "ours"].map((name) => path.join(folder, name));
      assert.ok(own && ours);
      fs.writeFileSync(ours, made(options).config);
      const theirs = ["ProxyJump evil", "User evil", "StrictHostKeyChecking no", "Port 1"];
      fs.writeFileSync(own, [`Include ${ours}`, "Host *", ...theirs, ""].join("\n"));
      const said = spawnSync("ssh", ["-F", own, "-G", host], { encoding: "utf8" });
      assert.equal(said.status, 0, said.stderr);
      return said.stdout;
    }

    it("jumps through the relay if no direct address answers, with any settings of the user for all hosts", () => {
      const said = read("desktop");
      for (const line of ["hostname 10.86.0.2", "user taro", "port 22", "proxyjump tokyo"])
        assert.match(said, new RegExp(`^${line}$`, "m"));
      assert.match(said, /^stricthostkeychecking true$/m);
      assert.doesNotMatch(said, /evil/);
      assert.match(read("tokyo"), /^port 2222$/m);
    });

    it("has a prefix before every name, the jumps included, and the names of the domain", () => {
      const named = { prefix: "home-", domain: "mesh.internal" };
      assert.deepEqual(made(named).hosts, ["home-desktop", "home-tokyo"]);
      for (const host of ["home-desktop", "home-desktop.mesh.internal"])
        assert.match(read(host, named), /^proxyjump home-tokyo$/m);
      assert.match(read("desktop", named), /^hostname desktop$/m);
    });

    it("contains the pinned keys if there is no file for them", () => {
      const said = read("desktop", { knownHostsFile: null });
      assert.ok(
        said.includes(`knownhostscommand /bin/sh -c "echo 'wireguard-mesh-desktop ${desktopKey}'"`),
      );
      assert.match(said, /^userknownhostsfile \/dev\/null$/m);
    });

    it("quotes paths with blanks and percent signs", () => {
      const said = read("tokyo", { identity: "/home/a b/100%.key", knownHostsFile: "/a b/known" });
      assert.match(said, /^identityfile \/home\/a b\/100%%?\.key$/m);
      assert.match(said, /^identitiesonly yes$/m);
      assert.match(said, /^userknownhostsfile \/a b\/known$/m);
    });
  });
});
