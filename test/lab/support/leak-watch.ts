/** Looks for the stack's secrets everywhere: in what was printed, in files, and in process lists while things happen. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { presharedKeyOf } from "../../../mesh/keys";
import { Secret } from "../../../mesh/secret";
import { authorityOf } from "../../../mesh/ssh-identity";
import { formsOf } from "../../support/secret-forms";
import type { MeshLab } from "./mesh-lab";

const SAMPLE_MS = 40;

export class LeakWatch {
  private readonly found = new Set<string>();
  private timer: NodeJS.Timeout | null = null;
  /** How many process lists were read: a watch that saw none proves nothing. */
  samples = 0;

  private constructor(
    private readonly mesh: MeshLab,
    private readonly forms: Map<string, string>,
  ) {}

  /** Reads the secrets of the stack as they are now. */
  static async start(mesh: MeshLab): Promise<LeakWatch> {
    const { stdout } = await mesh.pulumi("config", "--show-secrets", "--json");
    const config = JSON.parse(stdout) as Record<string, { value: string; secret: boolean }>;
    const watch = new LeakWatch(mesh, secretForms(config));
    watch.timer = setInterval(() => {
      watch.sample();
    }, SAMPLE_MS);
    // A test that failed before its end must not keep its process alive.
    watch.timer.unref();
    return watch;
  }

  /** Takes what a command printed. */
  read(where: string, text: string): void {
    for (const [form, name] of this.forms) {
      if (text.includes(form)) this.found.add(`${name} in ${where}`);
    }
  }

  /** Ends the sampling, searches the files, and fails if any secret stood anywhere. */
  async end(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    const { lab } = this.mesh;
    for (const file of filesBelow(lab.folder.engine)) {
      if (path.basename(file) !== "passphrase") this.read(file, fs.readFileSync(file, "latin1"));
    }
    for (const file of filesBelow(lab.folder.logs))
      this.read(file, fs.readFileSync(file, "latin1"));
    for (const host of lab.hosts) await this.readHost(host);
    assert.deepEqual([...this.found], []);
    assert.ok(this.samples > 10, `only ${this.samples} process lists were read`);
  }

  /** All processes of the machine, those inside the hosts too: their pid namespaces are children of this one. */
  private sample(): void {
    this.samples += 1;
    for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      if (Number(pid) === process.pid) continue;
      const commandLine = contentOf(pid, "cmdline");
      const environment = contentOf(pid, "environ");
      const name = contentOf(pid, "comm").trim();
      this.read(`command line of ${name}`, commandLine);
      this.read(
        `environment of ${name}`,
        isProgram(commandLine) ? withoutConfig(environment) : environment,
      );
    }
  }

  /** On a host the keys belong into the config, 0600, and nowhere else. */
  private async readHost(host: string): Promise<void> {
    const { lab } = this.mesh;
    const script =
      'for f in $(find / -xdev -newer /proc/1 -type f -size -200k 2>/dev/null); do printf \'\\n%s\\n\' "== $f"; cat "$f"; done';
    const { stdout } = await lab.exec(host, ["sh", "-c", script]);
    for (const part of stdout.split("\n== ")) {
      const file = part.slice(0, part.indexOf("\n"));
      if (!/^\/etc\/wireguard\/[\w.-]+\.conf$/.test(file)) this.read(`${host}:${file}`, part);
    }
    const open = await lab.exec(host, [
      ...["find", "/etc/wireguard", "/var/lib/wireguard-mesh", "-type", "f", "!", "-perm", "600"],
    ]);
    for (const file of open.stdout.split("\n").filter(Boolean))
      this.found.add(`${host}:${file} is not 0600`);
  }
}

/** The engine's own Node process that runs index.ts. */
function isProgram(commandLine: string): boolean {
  return commandLine.includes("@pulumi/pulumi/cmd/run");
}

/** The engine itself hands the config over in this variable, decrypted; no program can change that (see README). */
function withoutConfig(environment: string): string {
  return environment
    .split("\0")
    .filter((entry) => !entry.startsWith("PULUMI_CONFIG="))
    .join("\0");
}

/** Every spelling of every secret, with a name that can be printed. */
function secretForms(
  config: Record<string, { value: string; secret: boolean }>,
): Map<string, string> {
  const valueOf = (key: string) => config[`wireguard-mesh:${key}`]?.value ?? "";
  const privateKeys = JSON.parse(valueOf("privateKeys") || "{}") as Record<string, string>;
  const seed = valueOf("presharedKeySeed");
  const secrets = new Map(
    Object.entries(privateKeys).map(([node, key]) => [`private key of ${node}`, key]),
  );
  if (seed !== "") {
    secrets.set("seed", seed);
    for (const [pair, key] of linkKeys(seed, publicKeysIn(config))) secrets.set(pair, key);
  }
  const forms = [...secrets].flatMap(([name, key]) =>
    formsOf(key).map((form): [string, string] => [form, name]),
  );
  return new Map([
    ...forms,
    ...linesOf(valueOf("sshPrivateKey"), "SSH private key"),
    ...authorityForms(valueOf("sshAuthoritySeed")),
  ]);
}

/** The first lines of an OpenSSH key are the same for all keys; the secret half stands further down. */
function linesOf(key: string, name: string): [string, string][] {
  const lines = key.split("\n").slice(3, -2);
  return lines.filter((line) => line.length > 30).map((line) => [line, name]);
}

/** Of the network's SSH authority: its seed, and the key that comes of it. */
function authorityForms(seed: string): [string, string][] {
  if (seed === "") return [];
  return [
    ...formsOf(seed).map((form): [string, string] => [form, "seed of the SSH authority"]),
    ...linesOf(authorityOf(Secret.of(seed)).privateKey.reveal(), "key of the SSH authority"),
  ];
}

function publicKeysIn(config: Record<string, { value: string }>): string[] {
  const groups = ["relays", "peers"].map(
    (group) => config[`wireguard-mesh:${group}`]?.value ?? "{}",
  );
  return groups.flatMap((text) =>
    Object.values(JSON.parse(text) as Record<string, { publicKey: string }>).map(
      (node) => node.publicKey,
    ),
  );
}

function linkKeys(seed: string, publicKeys: string[]): [string, string][] {
  return publicKeys.flatMap((a, at) =>
    publicKeys
      .slice(at + 1)
      .map((b): [string, string] => [
        `preshared key of ${a.slice(0, 6)} and ${b.slice(0, 6)}`,
        presharedKeyOf(Secret.of(seed), a, b).reveal(),
      ]),
  );
}

function filesBelow(folder: string): string[] {
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(file);
    return entry.isFile() ? [file] : [];
  });
}

function contentOf(pid: string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    // The process has ended since.
    return "";
  }
}
