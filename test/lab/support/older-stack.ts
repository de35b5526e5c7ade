/** Recreates what the program of commit 1dad003 left: its stack's state (fixtures/older-stack) and its files on hosts. */
import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { presharedKeyOf, publicKeyOf } from "../../../mesh/keys";
import { Secret } from "../../../mesh/secret";
import type { Lab } from "../../../scripts/lab/lab";
import { LIVE, STATE } from "./host-protocol";
import type { MeshLab } from "./mesh-lab";
import { olderHostProgram } from "./older-push";
import type { StackConfig } from "./stack-secrets";

const STATE_FILE = path.join(
  __dirname,
  "../../../test/lab/fixtures/older-stack/state-of-1dad003.json",
);

/** The fields of that version's PushRequest that are sent to the host. */
export interface OlderRequest {
  node: string;
  owner: string;
  machine: string;
  interface: string;
  config: string;
  forwarding: { ipv4: boolean; ipv6: boolean };
  probes: string[];
}

/** The state with this lab's keys, as input for `pulumi stack import`, and the request for each host. */
export async function olderStackState(
  mesh: MeshLab,
): Promise<{ state: string; requests: OlderRequest[] }> {
  const shown = await mesh.pulumi("config", "--show-secrets", "--json");
  const value = (key: string) =>
    (JSON.parse(shown.stdout) as StackConfig)[`wireguard-mesh:${key}`]?.value ?? "";
  const keys = new Map(Object.entries(JSON.parse(value("privateKeys")) as Record<string, string>));
  const publicKey = (node = "") => publicKeyOf(Secret.of(keys.get(node) ?? ""));
  const [seed, { lab }] = [Secret.of(value("presharedKeySeed")), mesh];
  const makers: [RegExp, (...names: string[]) => string][] = [
    [/private key of (\w+)/, (node = "") => keys.get(node) ?? ""],
    [/public key of (\w+)/, publicKey],
    [
      /preshared key of (\w+) and (\w+)/,
      (a, b) => presharedKeyOf(seed, publicKey(a), publicKey(b)).reveal(),
    ],
    [/host key of (\w+)/, (node = "") => lab.hostKey(node)],
    [/machine of (\w+)/, (node = "") => sha256(lab.hostKey(node))],
    // Nested in three levels of JSON.
    [/SSH private key/, () => escaped(escaped(escaped(value("sshPrivateKey"))))],
  ];
  const filled = makers.reduce(
    (text, [name, make]) =>
      text.replaceAll(new RegExp(`\\{\\{${name.source}\\}\\}`, "g"), (_, ...found: unknown[]) =>
        make(...found.filter((one) => typeof one === "string")),
      ),
    fs.readFileSync(STATE_FILE, "utf8"),
  );
  const requests = requestsIn(filled);
  const state = requests.reduce(
    (text, request) => text.replaceAll(`{{digest of ${request.node}}}`, digestOf(request)),
    filled,
  );
  assert.doesNotMatch(state, /\{\{/);
  return { state: withSalt(state, mesh.stack.file), requests };
}

/** Writes the files of a confirmed push (no format file, no config copy, lock in /run/lock) and starts the interface. */
export async function recreateHostFiles(
  lab: Lab,
  host: string,
  request: OlderRequest,
  digest = digestOf(request),
): Promise<void> {
  const forwards = request.forwarding.ipv4;
  const state = {
    owner: `${request.owner}\n${request.node}\n${request.machine}\n`,
    digest: `${digest}\n`,
    file: `${sha256(request.config)}\n`,
    forwarding: forwards ? "1 0\n" : "0 0\n",
    probes: `${request.probes.join(" ")}\n`,
    "own-mtu": "1420\n",
    ...(forwards ? { "switched-on-ipv4": "1\n" } : {}),
  };
  const sysctl = [
    "printf '# wireguard-mesh: wg0\\nnet.ipv4.ip_forward = 1\\n' >/etc/sysctl.d/60-wireguard-mesh-wg0.conf",
    "echo 1 >/proc/sys/net/ipv4/ip_forward",
  ];
  const script = [
    "set -e; umask 077",
    `mkdir -p ${STATE} /etc/wireguard/.wireguard-mesh /run/lock /run/wireguard-mesh/wg0`,
    `cat >${LIVE}`,
    ...Object.entries(state).map(([name, text]) => `printf '%s' '${text}' >${STATE}/${name}`),
    ...(forwards ? sysctl : []),
    ": >/run/lock/wireguard-mesh-wg0; : >/run/wireguard-mesh/wg0/endpoints",
    "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 wg-quick up wg0 2>/dev/null",
  ];
  await runOnHost(lab, host, script.join("\n"), request.config);
  // That version's own script had the same verbs.
  await runOnHost(lab, host, `umask 077; cat >${STATE}/host.sh`, olderHostProgram());
}

async function runOnHost(lab: Lab, host: string, script: string, input: string): Promise<void> {
  const done = await lab.exec(host, ["sh", "-c", script], { input });
  assert.equal(done.code, 0, done.stderr);
}

/** Computed as in scripts/push/apply.ts of that version. */
function digestOf({ interface: name, config, forwarding }: OlderRequest): string {
  return sha256(JSON.stringify([name, config, forwarding.ipv4, forwarding.ipv6]));
}

function requestsIn(state: string): OlderRequest[] {
  const { deployment } = JSON.parse(state) as {
    deployment: { resources: { type: string; inputs?: { stdin?: { plaintext: string } } }[] };
  };
  return deployment.resources.flatMap(({ type, inputs }) =>
    type === "command:local:Command"
      ? [JSON.parse(JSON.parse(inputs?.stdin?.plaintext ?? '""') as string) as OlderRequest]
      : [],
  );
}

/** Adds the salt, so that the engine encrypts the imported secrets with the stack's passphrase. */
function withSalt(state: string, stackFile: string): string {
  const { encryptionsalt } = parse(fs.readFileSync(stackFile, "utf8")) as Record<string, string>;
  const export_ = JSON.parse(state) as { deployment: object };
  const provider = { type: "passphrase", state: { salt: encryptionsalt } };
  return JSON.stringify({
    ...export_,
    deployment: { ...export_.deployment, secrets_providers: provider },
  });
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
