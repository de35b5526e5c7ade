/** With an SSH key of the stack, the user's ssh_config decides how a host is reached, but not by which key. By the real ssh. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { SshHop } from "../../mesh/push-request";
import { sshCommand } from "../../scripts/push/ssh-options";
import { keylessOptions, mayNameKeys } from "../../scripts/push/user-ssh-config";
import { HOST } from "./support/failed-login";

describe("the user's ssh_config beside a key of the stack's own", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-config-"));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** The options that are taken over for a machine called `relay.example.org`. */
  async function taken(config: string[], isFirst = true): Promise<string[] | null> {
    const file = path.join(folder, "config");
    fs.writeFileSync(file, config.map((line) => `${line}\n`).join(""));
    const hop: SshHop = { ...HOST, address: "relay.example.org" };
    return keylessOptions(hop, isFirst, undefined, ["-F", file]);
  }

  /** The settings that ssh would use with the user's config. */
  function settings(userOptions: string[] | null): string {
    const place = { folder, way: "way0", connectSeconds: 6, isIPv4Only: false };
    const chain = [{ ...HOST, address: "relay.example.org" }];
    const ssh = sshCommand(chain, {
      ...place,
      agentSocket: `${folder}/agent`,
      userOptions: [userOptions],
    });
    const said = spawnSync("ssh", ["-F", path.join(folder, "config"), "-G", ...ssh.args], {
      encoding: "utf8",
    });
    assert.equal(said.status, 0, said.stderr);
    return said.stdout;
  }

  it("has no key, and reaches the host as before", async () => {
    const options = await taken([
      "IgnoreUnknown UseKeychain",
      "Host relay.example.org",
      ...["UseKeychain yes", "HostName 203.0.113.77", "IdentityFile ~/.ssh/relay"],
      ...["CertificateFile ~/.ssh/relay-cert.pub", "PKCS11Provider /usr/lib/token.so"],
      ...["ProxyCommand nc -X connect -x 'proxy:8080' %h %p", "BindAddress 127.0.0.1"],
      "Host *",
      ...["IdentityFile ~/.ssh/all", "IdentityAgent ~/agent", "Ciphers aes128-ctr"],
    ]);
    const said = settings(options);
    assert.doesNotMatch(said, /\.ssh\/|token\.so|certificatefile/);
    assert.match(said, /^identityfile none$/m);
    assert.ok(said.includes(`\nidentityagent ${folder}/agent\n`), said);
    assert.match(said, /^hostname 203\.0\.113\.77$/m);
    assert.match(said, /^proxycommand nc -X connect -x 'proxy:8080' %h %p$/m);
    assert.match(said, /^bindaddress 127\.0\.0\.1$/m);
    assert.match(said, /^ciphers aes128-ctr$/m);
  });

  it("makes the user's own jump with the user's config and keys", async () => {
    const jumps: [string, string][] = [
      ["bastion", "ssh -W '[%h]:%p' -- bastion"],
      ["admin@bastion:2200", "ssh -W '[%h]:%p' -l admin -p 2200 -- bastion"],
      ["[2001:db8::1]:22", "ssh -W '[%h]:%p' -p 22 -- 2001:db8::1"],
      ["a@one:1,b@[2001:db8::2]", "ssh -W '[%h]:%p' -J a@one:1 -l b -- 2001:db8::2"],
      ["a@one:1,b@two:2,three", "ssh -W '[%h]:%p' -J a@one:1,b@two:2 -- three"],
    ];
    for (const [jump, command] of jumps) {
      const options = await taken([`ProxyJump ${jump}`]);
      const expected = [command, command.replace(" -- ", " -p 22 -- ")];
      const proxy = options?.find((word) => word.startsWith("proxycommand="));
      assert.ok(expected.includes(proxy?.slice("proxycommand=".length) ?? ""), `${jump}: ${proxy}`);
      assert.match(settings(options), /^proxycommand ssh -W /m);
    }
    const none = await taken(["ProxyJump none", "ProxyCommand nc %h %p"]);
    assert.equal(
      none?.some((word) => word.startsWith("proxycommand=ssh")),
      false,
    );
  });

  it("has no proxy for a machine behind a jump of the stack file", async () => {
    const options = (await taken(["ProxyJump bastion", "Ciphers aes128-ctr"], false)) ?? [];
    assert.deepEqual(
      options.filter((word) => word.startsWith("proxy")),
      [],
    );
    assert.ok(options.includes("ciphers=aes128-ctr"));
  });

  it("is left to the login if ssh cannot read it, which then reports the error", async () => {
    assert.equal(await taken(["Port many"]), null);
  });

  it("is not read with ssh if it certainly has no key", () => {
    const etc = path.join(folder, "etc");
    const write = (file: string, text: string): void => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    };
    assert.equal(mayNameKeys(folder, etc), false);
    const debian = "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n#   IdentityFile ~/.ssh/id_rsa\n";
    write("etc/ssh_config", debian);
    write("etc/ssh_config.d/own.conf", "Host *\n  Ciphers aes128-ctr\n");
    assert.equal(mayNameKeys(folder, etc), false);
    write("etc/ssh_config.d/own.conf", "Host *\n  identityfile ~/.ssh/site\n");
    assert.equal(mayNameKeys(folder, etc), true);
    write("etc/ssh_config.d/own.conf", "Include /etc/crypto-policies/back-ends/openssh.config\n");
    assert.equal(mayNameKeys(folder, etc), true);
    write("etc/ssh_config.d/own.conf", "");
    write(".ssh/config", "");
    assert.equal(mayNameKeys(folder, etc), true);
  });
});
