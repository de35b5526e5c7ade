/** The machine's SSH identity is its certificate, not the bootstrap key. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import type { PushRequest } from "../../../mesh/push-request";
import type { CommandResult } from "../../../scripts/lab/process";
import { deleteConfig, setConfig } from "../../lab/support/stack-edits";
import type { Ec2Fixture } from "../ec2.test";
import { UP } from "../support/ec2-network";
import { makeHostKey, type HostKey } from "../support/machine-in-lab";

const DROP_IN = "/etc/ssh/sshd_config.d/40-wireguard-mesh.conf";
const PUSH = ["node", "dist/scripts/push/main.js"];

export function identity(fixture: Ec2Fixture): void {
  it("has deleted its bootstrap host key, which is not accepted for login", async () => {
    const { network } = fixture;
    const machine = await network.machine();
    const key = bootstrapKey(fixture);
    const line = key.privateKey.split("\n").at(3) ?? "";
    assert.ok(line.length > 30);
    const found = await machine.ssh("sudo grep -rlF -f - /etc /root /home", { input: `${line}\n` });
    assert.equal(found.stdout, "");
    const shown = await network.lab.exec("operator", [
      "ssh-keyscan",
      "-T",
      "60",
      "-t",
      "ed25519",
      network.elastic,
    ]);
    assert.match(shown.stdout, /ssh-ed25519 /);
    assert.equal(shown.stdout.includes(key.publicKey), false);

    const file = path.join(network.lab.folder.root, "bootstrap-as-login");
    fs.writeFileSync(file, key.privateKey, { mode: 0o600 });
    const trust = `UserKnownHostsFile=${machine.files.knownHosts}`;
    const alias = `HostKeyAlias=wireguard-mesh-${machine.name}`;
    const options = [trust, alias, "BatchMode=yes", "IdentitiesOnly=yes"].flatMap((it) => [
      "-o",
      it,
    ]);
    const login = ["ssh", "-F", "none", "-i", file, ...options, `admin@${network.elastic}`, "true"];
    const denied = await network.lab.exec("operator", login);
    assert.equal(denied.code, 255);
    assert.match(denied.stderr, /Permission denied/);
  });

  it("gets nothing when it shows its bootstrap key", async () => {
    const { network } = fixture;
    await withHostKey(bootstrapKey(fixture), async () => {
      setConfig(network.mesh.stack, ["network", "mtu"], 1380);
      const up = await network.pulumi(...UP);
      assert.notEqual(up.code, 0);
      assert.match(up.stdout + up.stderr, /tokyo: /);
    });
    deleteConfig(network.mesh.stack, ["network", "mtu"]);
    await network.up();
  });

  it("is rejected with a foreign key at the first contact, too", async () => {
    const { network } = fixture;
    const request = await pushRequest();
    const other = await makeHostKey(path.join(network.lab.folder.root, "imposter"));
    await withHostKey(other, async () => {
      const refused = await push("adopt", withoutFirstAddress(request));
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /another machine answers/);
      assert.doesNotMatch(refused.stderr, /waits for SSH/);
    });
    // With its own key again, the first contact can be repeated, although the address of the first one is gone.
    const again = await push("adopt", request);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /"outcome":"unchanged"/);
  });

  /** Runs `action` while the machine shows only this host key, and asserts that no login succeeded. */
  async function withHostKey(key: HostKey, action: () => Promise<void>): Promise<void> {
    const { network } = fixture;
    const machine = await network.machine();
    const show = (file: string) =>
      `sudo mv ${DROP_IN} ${DROP_IN}.away && echo 'HostKey ${file}' | sudo tee ${DROP_IN} >/dev/null && sudo systemctl reload ssh`;
    const file = "/etc/ssh/imposter";
    const put = `sudo sh -c 'umask 077; cat >${file}' && ${show(file)}`;
    assert.equal((await machine.ssh(put, { input: key.privateKey })).code, 0);
    const count =
      "sudo journalctl --sync; sudo journalctl -b -q -o cat -t sshd | grep -c '^Accepted '";
    machine.expectHostKey(key.publicKey);
    await machine.waitForSsh();
    const before = Number((await machine.ssh(count)).stdout);
    try {
      await action();
      // Counting is a login, too.
      assert.equal(Number((await machine.ssh(count)).stdout), before + 1);
    } finally {
      const back = `sudo mv ${DROP_IN}.away ${DROP_IN} && sudo rm ${file} && sudo systemctl reload ssh`;
      await machine.ssh(back);
      await (await network.machine()).waitForSsh();
    }
  }

  /** The last push request, from the state. */
  async function pushRequest(): Promise<string> {
    const { stdout } = await fixture.network.mustPulumi("stack", "export", "--show-secrets");
    const state = JSON.parse(stdout) as {
      deployment: { resources: { urn: string; inputs?: { stdin?: { plaintext: string } } }[] };
    };
    const found = state.deployment.resources.find(({ urn }) =>
      urn.endsWith("::tokyo-push-command"),
    );
    return JSON.parse(found?.inputs?.stdin?.plaintext ?? '""') as string;
  }

  /** So that it goes to the Elastic IP. */
  function withoutFirstAddress(request: string): string {
    const parsed = JSON.parse(request) as PushRequest;
    assert.match(parsed.identity?.firstAddress ?? "", /^203\.0\.113\.\d+$/);
    return JSON.stringify({ ...parsed, identity: { ...parsed.identity, firstAddress: undefined } });
  }

  function push(verb: string, input: string): Promise<CommandResult> {
    return fixture.network.lab.exec("operator", [...PUSH, verb], { input, timeoutMs: 300_000 });
  }
}

/** The host key in the instance's user data. */
function bootstrapKey({ network }: Ec2Fixture): HostKey {
  const [id = ""] = network.instances;
  const { ssh_keys: keys } = parse(network.userData(id)) as {
    ssh_keys: { ed25519_private: string; ed25519_public: string };
  };
  const [kind = "", base64 = ""] = keys.ed25519_public.split(" ");
  return { privateKey: keys.ed25519_private, publicKey: `${kind} ${base64}` };
}
