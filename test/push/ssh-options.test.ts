/** The arguments and files for ssh: pinned keys only, one script for each jump, safe shell quoting. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import type { SshHop } from "../../mesh/push-request";
import {
  formatHop,
  hostKeyAlgorithms,
  knownHosts,
  lookCommand,
  shellWord,
  sshCommand,
  type SshPlace,
} from "../../scripts/push/ssh-options";

const ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";
const RSA = "ssh-rsa AAAAB3NzaC1yc2E=";
const JUMP: SshHop = {
  user: "admin",
  address: "relay.example.org",
  port: 22,
  hostKeys: [ED],
  authority: null,
};
const HOST: SshHop = {
  user: "taro",
  address: "fd5c:10::2",
  port: 2222,
  hostKeys: [ED, RSA],
  authority: null,
};
const PLACE: SshPlace = { folder: "/tmp/f", way: "way0", agentSocket: null, connectSeconds: 8 };

/** The value of each `-o NAME=VALUE`. */
function optionsOf(args: string[]): Map<string, string> {
  const words = args.flatMap((word, index) => (args[index - 1] === "-o" ? [word] : []));
  return new Map(
    words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
}

describe("known hosts", () => {
  it("are only the pinned keys of each hop, under its own alias", () => {
    assert.equal(
      knownHosts([JUMP, HOST], "way0"),
      `wireguard-mesh-way0-0 ${ED}\nwireguard-mesh-way0-1 ${ED}\nwireguard-mesh-way0-1 ${RSA}\n`,
    );
  });

  it("limit the algorithms to what the pinned keys can sign with", () => {
    assert.deepEqual(hostKeyAlgorithms(JUMP), ["ssh-ed25519"]);
    assert.deepEqual(hostKeyAlgorithms({ ...HOST, hostKeys: [RSA, ED, RSA] }), [
      "rsa-sha2-512",
      "rsa-sha2-256",
      "ssh-rsa",
      "ssh-ed25519",
    ]);
  });
});

describe("a host with an SSH authority", () => {
  const principal = "wireguard-mesh-i-0abc";
  const certified: SshHop = { ...JUMP, hostKeys: [], authority: { publicKey: ED, principal } };

  it("is trusted only with a certificate for its own principal", () => {
    assert.equal(
      knownHosts([certified, HOST], "way0"),
      `@cert-authority ${principal} ${ED}\nwireguard-mesh-way0-1 ${ED}\nwireguard-mesh-way0-1 ${RSA}\n`,
    );
    assert.deepEqual(hostKeyAlgorithms(certified), ["ssh-ed25519-cert-v01@openssh.com"]);
  });

  it("is checked for that principal, as a host and as a jump", () => {
    const options = optionsOf(sshCommand([certified], PLACE).args);
    assert.equal(options.get("HostKeyAlias"), principal);
    assert.equal(options.get("HostKeyAlgorithms"), "ssh-ed25519-cert-v01@openssh.com");
    const jump = sshCommand([certified, HOST], PLACE).files.get("/tmp/f/way0.jump-0") ?? "";
    assert.match(
      jump,
      / -o HostKeyAlias=wireguard-mesh-i-0abc -o HostKeyAlgorithms=ssh-ed25519-cert-/,
    );
  });

  it("can be connected to for debug output after a failure, without trusting more keys", () => {
    const { args, files } = lookCommand([certified], PLACE);
    const first = optionsOf([...args].slice(0, 4));
    assert.equal(first.get("LogLevel"), "DEBUG2");
    assert.match(
      first.get("HostKeyAlgorithms") ?? "",
      /^ssh-ed25519-cert-v01@openssh\.com,.*ssh-ed25519,/,
    );
    assert.equal(files.get("/tmp/f/way0.known_hosts"), knownHosts([certified], "way0"));
  });
});

describe("the ssh command", () => {
  it("is non-interactive and trusts only its own known_hosts file", () => {
    const { args, files, jumpTalk } = sshCommand([HOST], PLACE);
    const options = optionsOf(args);
    const expected = {
      BatchMode: "yes",
      UserKnownHostsFile: "/tmp/f/way0.known_hosts",
      GlobalKnownHostsFile: "/dev/null",
      StrictHostKeyChecking: "yes",
      HostKeyAlias: "wireguard-mesh-way0-0",
      ControlPath: "none",
      ForwardAgent: "no",
      RemoteCommand: "none",
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(options.get(name), value);
    assert.equal(options.has("ProxyCommand"), false);
    assert.equal(options.has("IdentityAgent"), false);
    assert.deepEqual(args.slice(-6), ["-p", "2222", "-l", "taro", "--", "fd5c:10::2"]);
    assert.deepEqual([...files.keys()], ["/tmp/f/way0.known_hosts"]);
    assert.deepEqual(jumpTalk, []);
  });

  it("offers only the stack's SSH key, if it has one, at each hop", () => {
    const { args, files } = sshCommand([JUMP, HOST], { ...PLACE, agentSocket: "/tmp/f/agent" });
    assert.equal(optionsOf(args).get("IdentityAgent"), "/tmp/f/agent");
    assert.equal(optionsOf(args).get("IdentityFile"), "none");
    assert.match(files.get("/tmp/f/way0.jump-0") ?? "", /-o IdentityAgent=\/tmp\/f\/agent /);
  });

  it("has one script for each jump, which uses the previous one as its proxy", () => {
    const { args, files } = sshCommand([JUMP, { ...JUMP, address: "192.0.2.7" }, HOST], PLACE);
    assert.equal(optionsOf(args).get("ProxyCommand"), "sh /tmp/f/way0.jump-1");
    const second = files.get("/tmp/f/way0.jump-1") ?? "";
    assert.match(second, /^exec ssh .* -o 'ProxyCommand=sh \/tmp\/f\/way0\.jump-0' /);
    assert.match(
      second,
      / -W '\[fd5c:10::2\]:2222' -p 22 -l admin -- 192\.0\.2\.7 2>\/tmp\/f\/way0\.jump-1\.talk\n$/,
    );
    const first = files.get("/tmp/f/way0.jump-0") ?? "";
    assert.match(first, / -W '\[192\.0\.2\.7\]:22' .* -- relay\.example\.org 2>/);
    assert.doesNotMatch(first, /ProxyCommand/);
  });

  it("grows linearly with the number of jumps", () => {
    const sizes = [4, 8, 16].map((jumps) => {
      const chain = [...Array.from({ length: jumps }, () => JUMP), HOST];
      return [...sshCommand(chain, PLACE).files.values()].join("").length / jumps;
    });
    const [small = 0, , large = 0] = sizes;
    assert.ok(large < small * 1.1, `characters for each jump: ${sizes.join(", ")}`);
  });
});

describe("a quoted shell word", () => {
  it("is unquoted to the original text by sh", () => {
    const anyText = fc.string({ unit: "binary", maxLength: 40 }).filter((t) => !t.includes("\0"));
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 20 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellWord).join(" ")}`;
        const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
        assert.equal(stdout, words.map((word) => `${word}\0`).join(""));
      }),
      { numRuns: 30 },
    );
  });
});

describe("a formatted hop", () => {
  it("is user@address[:port], with brackets if needed", () => {
    assert.equal(formatHop(JUMP), "admin@relay.example.org");
    assert.equal(formatHop(HOST), "taro@[fd5c:10::2]:2222");
    assert.equal(formatHop({ ...HOST, port: 22 }), "taro@fd5c:10::2");
  });
});
