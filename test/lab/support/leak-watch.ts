/**
 * Searches for leaked secrets in output, in files of the engine and the hosts, and in process lists during the test.
 * Every end-to-end test ends with it, even after failures.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Lab } from "../../../scripts/lab/lab";
import type { MeshLab } from "./mesh-lab";
import { ProcessSampler, type ReadProcess } from "./process-sampler";
import { recordedOutput, privateKeys } from "./pushing";
import {
  addKey,
  addKeyText,
  formsOfStack,
  type SecretForms,
  type StackConfig,
} from "./stack-secrets";

/** Larger files are not searched: they are no configs, logs or messages of this project. */
const MAX_BYTES = 5_000_000;

/** What to search. Secrets that are read later are also searched for in texts that were added before. */
export interface Watched {
  lab: Lab;
  secrets: () => Promise<SecretForms>;
  /** More files on this machine that must not contain a secret. */
  files?: readonly string[];
}

export class LeakWatch {
  private readonly forms: SecretForms = new Map();
  /** Each text that was added → where it was found first. */
  private readonly seen = new Map<string, string>();
  private readonly found = new Set<string>();
  private readonly since = Date.now();
  private sampler: ProcessSampler | null = null;

  private constructor(private readonly watched: Watched) {}

  /** How many samples of processes were taken; without any, the search proves nothing. */
  get samples(): number {
    return this.sampler?.samples ?? 0;
  }

  /** For a stack; its secrets are read now, at the end, and by `readSecrets`. */
  static forStack(mesh: MeshLab): Promise<LeakWatch> {
    const secrets = async () => {
      const { stdout } = await mesh.pulumi("config", "--show-secrets", "--json");
      return formsOfStack(JSON.parse(stdout) as StackConfig);
    };
    return LeakWatch.create({ lab: mesh.lab, secrets, files: [mesh.stack.file] });
  }

  /** For pushes without a stack: the keys of all nodes (`keyPairFor`) and the operator's SSH key. */
  static forPushes(lab: Lab): Promise<LeakWatch> {
    const secrets = () => {
      const forms: SecretForms = new Map();
      for (const [node, key] of privateKeys()) addKey(forms, `private key of ${node}`, key);
      addKeyText(forms, "SSH private key", lab.sshPrivateKey());
      return Promise.resolve(forms);
    };
    return LeakWatch.create({ lab, secrets });
  }

  static async create(watched: Watched): Promise<LeakWatch> {
    const watch = new LeakWatch(watched);
    await watch.readSecrets();
    watch.sampler = new ProcessSampler(watched.lab.id, (found) => {
      watch.addProcess(found);
    });
    return watch;
  }

  /** Reads the current secrets, which may be replaced before the end. */
  async readSecrets(): Promise<void> {
    for (const [form, name] of await this.watched.secrets()) this.forms.set(form, name);
  }

  /** Adds a text to search, such as the output of a command. */
  add(where: string, text: string): void {
    if (!this.seen.has(text)) this.seen.set(text, where);
  }

  /** Adds the files of a machine in `places`. `run` runs a script there as root and returns its stdout. */
  async readMachine(
    name: string,
    run: (script: string) => Promise<string>,
    places = [...PLACES, "/usr"],
  ): Promise<void> {
    for (const part of (await run(filesScript(places))).split("\n== ")) {
      const file = part.slice(0, part.indexOf("\n"));
      if (!KEEPS_KEYS.test(file)) this.add(`${name}:${file}`, part);
    }
    const readable = (await run(OPEN_FILES_SCRIPT)).split("\n").filter(Boolean);
    for (const file of readable) this.found.add(`${name}:${file} is not readable by root only`);
  }

  /** Stops the sampling, searches all texts and files, and asserts that no secret was found. */
  async end(): Promise<void> {
    this.sampler?.stop();
    await this.readSecrets();
    const { lab, files = [] } = this.watched;
    for (const text of recordedOutput(lab)) this.add("output of a push", text);
    const engine = filesBelow(lab.folder.engine).filter(
      (file) => path.basename(file) !== "passphrase",
    );
    const logs = filesBelow(lab.folder.logs);
    for (const file of [...engine, ...logs, ...files, ...this.temporaryFiles()])
      this.readFile(file);
    for (const host of lab.hosts) {
      const run = async (script: string) => (await lab.exec(host, ["sh", "-c", script])).stdout;
      await this.readMachine(host, run, PLACES);
      // Only what the host wrote: to search all programs of the machine takes longer than the rest.
      for (const file of filesBelow(lab.fileOf(host, "/usr"))) this.readFile(file);
    }
    for (const [text, where] of this.seen) this.search(text, where);
    assert.deepEqual([...this.found], []);
    const reads = this.sampler?.reads ?? 0;
    const taken = `only ${this.samples} samples of processes were taken, with ${reads} processes`;
    assert.ok(this.samples > 10 && reads > 0, taken);
  }

  private search(text: string, where: string): void {
    // base64(1) wraps its lines.
    const unwrapped = text.replaceAll(/\r?\n/g, "");
    for (const [form, name] of this.forms) {
      if (text.includes(form) || unwrapped.includes(form)) this.found.add(`${name} in ${where}`);
    }
  }

  private readFile(file: string): void {
    this.add(file, contentOf(file));
  }

  /** Files written since the start in the temporary folder of this machine, or in this project's folders in it. */
  private temporaryFiles(): string[] {
    const top = os.tmpdir();
    const files = entriesOf(top).flatMap((entry) => {
      const file = path.join(top, entry.name);
      if (entry.isDirectory())
        return entry.name.startsWith("wireguard-mesh") ? filesBelow(file) : [];
      return entry.isFile() ? [file] : [];
    });
    return files.filter((file) => {
      const status = fs.statSync(file, { throwIfNoEntry: false });
      return status !== undefined && status.mtimeMs > this.since && status.size < MAX_BYTES;
    });
  }

  private addProcess({ commandLine, environment }: ReadProcess): void {
    const name = commandLine.split("\0", 2).join(" ").slice(0, 60);
    this.add(`command line of ${name}`, commandLine);
    const searched = isProgram(commandLine) ? withoutConfig(environment) : environment;
    this.add(`environment of ${name}`, searched);
  }
}

/**
 * The files on a host that may contain keys: live and staged configs (and those of older versions), a change that is not
 * confirmed, the states that are kept for a rollback, and the keys that the host generated.
 */
const KEEPS_KEYS =
  /^\/etc\/wireguard\/(\.wireguard-mesh\/(good\/)?)?[\w.=+-]+\.conf(\.wireguard-mesh)?$|^\/run\/wireguard-mesh\/[^/]+\/change\/\d+$|^\/var\/lib\/wireguard-mesh\/[^/]+\/(own-keys|generations\/\d+|\.request\.wireguard-mesh)$/;

/** Mount points are listed, because -xdev skips them together with /proc and /sys. */
const PLACES = ["/", "/etc", "/run", "/tmp", "/var", "/dev/shm"];

/** Prints the files that were written since the boot, each with its path before it. */
function filesScript(places: readonly string[]): string {
  return `
for place in ${places.join(" ")}; do
  find "$place" -xdev -newer /proc/1 -type f -size -${MAX_BYTES}c 2>/dev/null
done | sort -u | while IFS= read -r file; do printf '\\n== %s\\n' "$file"; cat "$file"; done`;
}

const OPEN_FILES_SCRIPT = `
find /etc/wireguard /var/lib/wireguard-mesh /run/wireguard-mesh -type f '(' ! -perm 600 -o ! -user 0 ')' 2>/dev/null`;

/** The engine's own Node process that runs index.ts. */
function isProgram(commandLine: string): boolean {
  return commandLine.includes("@pulumi/pulumi/cmd/run");
}

/** The engine passes the decrypted config in this variable, which no program can change (see docs/secrets.md). */
function withoutConfig(environment: string): string {
  return environment
    .split("\0")
    .filter((entry) => !entry.startsWith("PULUMI_CONFIG="))
    .join("\0");
}

function filesBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(file);
    return entry.isFile() ? [file] : [];
  });
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    // It no longer exists.
    return [];
  }
}

function contentOf(file: string): string {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    // The process has ended, or the file no longer exists.
    return "";
  }
}
