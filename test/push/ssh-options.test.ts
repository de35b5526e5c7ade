/** The arguments and files for ssh: pinned keys only, one script for each jump, safe shell quoting. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as fc from "fast-check";
import type { SshHop } from "../../mesh/push-request";
import {
  formatHop,
  hostKeyAlgorithms,
  knownHosts,
  debugCommand,
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
const PLACE: SshPlace = {
  ...{ folder: "/tmp/f", way: "way0", agentSocket: null, connectSeconds: 8 },
  ...{ isIPv4Only: false, userOptions: [] },
};

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
    const { args, files } = debugCommand([certified], PLACE);
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
    const { args, files, logs } = sshCommand([HOST], PLACE);
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
    assert.deepEqual(logs, ["/tmp/f/way0.log-0"]);
    assert.deepEqual(args.slice(0, 2), ["-E", "/tmp/f/way0.log-0"]);
  });

  it("offers only the stack's SSH key, if it has one, at each hop", () => {
    const { args, files } = sshCommand([JUMP, HOST], { ...PLACE, agentSocket: "/tmp/f/agent" });
    assert.equal(optionsOf(args).get("IdentityAgent"), "/tmp/f/agent");
    assert.equal(optionsOf(args).get("IdentityFile"), "none");
    assert.match(files.get("/tmp/f/way0.jump-0") ?? "", /-o IdentityAgent=\/tmp\/f\/agent /);
  });

  it("dials the first machine by IPv4 alone if nothing else answers", () => {
    const { args, files } = sshCommand([JUMP, HOST], { ...PLACE, isIPv4Only: true });
    assert.match(files.get("/tmp/f/way0.jump-0") ?? "", / -o AddressFamily=inet /);
    assert.equal(optionsOf(args).has("AddressFamily"), false);
  });

  it("has the options taken from the user's ssh_config after its own, for each machine", () => {
    const userOptions = [["-F", "none", "-o", "HostName=relay"], null];
    const { args, files } = sshCommand([JUMP, HOST], { ...PLACE, userOptions });
    assert.match(files.get("/tmp/f/way0.jump-0") ?? "", / -F none -o HostName=relay -W /);
    assert.equal(args.includes("-F"), false);
  });

  it("has one script for each jump, which uses the previous one as its proxy", () => {
    const { args, files } = sshCommand([JUMP, { ...JUMP, address: "192.0.2.7" }, HOST], PLACE);
    assert.equal(optionsOf(args).get("ProxyCommand"), "sh /tmp/f/way0.jump-1");
    const second = files.get("/tmp/f/way0.jump-1") ?? "";
    assert.match(second, /^exec ssh .* -o 'ProxyCommand=sh \/tmp\/f\/way0\.jump-0' /);
    assert.match(
      second,
      / -W '\[fd5c:10::2\]:2222' -p 22 -l admin -- 192\.0\.2\.7 2>\/tmp\/f\/way0\.log-1\n$/,
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

describe("ssh with a hostile or careless ssh_config", () => {
  let folder: string;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-options-"));
  });
  after(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** The settings that ssh would use (ssh -G): `KEYWORD VALUE` lines. */
  function settings(config: string[], place: Partial<SshPlace> = {}): string {
    const file = path.join(folder, "config");
    fs.writeFileSync(file, config.map((line) => `${line}\n`).join(""));
    const { args } = sshCommand([HOST], { ...PLACE, folder, ...place });
    const said = spawnSync("ssh", ["-F", file, "-G", ...args], { encoding: "utf8" });
    assert.equal(said.status, 0, said.stderr);
    return said.stdout;
  }

  it("still trusts only the pinned keys: no command, DNS, Kerberos or shared connection", () => {
    const known = path.join(folder, "way0.known_hosts");
    const said = settings([
      "KnownHostsCommand /usr/bin/evil %H",
      "UserKnownHostsFile /tmp/evil",
      "GlobalKnownHostsFile /tmp/evil",
      "StrictHostKeyChecking no",
      "VerifyHostKeyDNS yes",
      "CheckHostIP yes",
      "NoHostAuthenticationForLocalhost yes",
      "HostKeyAlias evil",
      "UpdateHostKeys yes",
      "ControlMaster auto",
      "ControlPath /tmp/evil-%C",
      "GSSAPIKeyExchange yes",
    ]);
    assert.doesNotMatch(said, /evil/);
    const expected = {
      userknownhostsfile: known,
      globalknownhostsfile: "/dev/null",
      stricthostkeychecking: "true",
      verifyhostkeydns: "false",
      checkhostip: "no",
      nohostauthenticationforlocalhost: "no",
      hostkeyalias: "wireguard-mesh-way0-0",
      updatehostkeys: "false",
      controlmaster: "false",
      hostkeyalgorithms: "ssh-ed25519,rsa-sha2-512,rsa-sha2-256,ssh-rsa",
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.match(said, new RegExp(`^${name} ${value}$`, "m"));
    }
    // Only some builds support it.
    assert.doesNotMatch(said, /^gssapikeyexchange yes/m);
  });

  it("still opens a plain session with a readable log", () => {
    const said = settings([
      ...["StdinNull yes", "ForkAfterAuthentication yes", "SessionType none", "RequestTTY force"],
      ...["RemoteCommand /usr/bin/evil", "PermitLocalCommand yes", "LocalCommand /usr/bin/evil"],
      ...["Tunnel yes", "ForwardAgent yes", "ForwardX11 yes", "LocalForward 1234 evil:22"],
      ...["LogLevel QUIET", "LogVerbose *", "FingerprintHash md5"],
    ]);
    const expected = [
      ...["stdinnull no", "forkafterauthentication no", "sessiontype default", "requesttty false"],
      ...["permitlocalcommand no", "tunnel false", "forwardagent no", "forwardx11 no"],
      ...["clearallforwardings yes", "loglevel DEBUG", "logverbose none", "fingerprinthash SHA256"],
    ];
    for (const line of expected) assert.match(said, new RegExp(`^${line}$`, "m"));
    assert.doesNotMatch(said, /^remotecommand/m);
  });

  it("keeps how the user reaches the host, and accepts options that this ssh does not support", () => {
    const said = settings([
      "IgnoreUnknown UseKeychain",
      "UseKeychain yes",
      "OptionOfTheFuture yes",
      ...["HostName 192.0.2.99", "ProxyJump admin@bastion", "BindAddress 127.0.0.1"],
      ...["Ciphers aes128-ctr", "IdentityFile /home/taro/.ssh/own", "GSSAPIAuthentication yes"],
    ]);
    const kept = ["hostname 192.0.2.99", "proxyjump admin@bastion", "bindaddress 127.0.0.1"];
    for (const line of [...kept, "ciphers aes128-ctr", "identityfile /home/taro/.ssh/own"]) {
      assert.match(said, new RegExp(`^${line}$`, "m"));
    }
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
