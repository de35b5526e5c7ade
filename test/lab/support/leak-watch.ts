/**
 * Looks for secrets everywhere: in what was printed, in files of the engine and of hosts, and in process lists while things
 * happen. Every end-to-end test ends with it, after failures too.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Lab } from "../../../scripts/lab/lab";
import type { MeshLab } from "./mesh-lab";
import { printedIn, privateKeys } from "./pushing";
import {
  addKey,
  addKeyText,
  formsOfStack,
  type SecretForms,
  type StackConfig,
} from "./stack-secrets";

const SAMPLE_MS = 40;
/** For so many samples a process is read each time, then once in OLD_SAMPLES (1 s). */
const YOUNG_SAMPLES = 5;
const OLD_SAMPLES = 25;
/** Larger files are no config, log or message of ours. */
const MAX_BYTES = 5_000_000;

/** What it searches, and where the secrets come from; those that come up later are looked for in what was seen before too. */
export interface Watched {
  lab: Lab;
  secrets: () => Promise<SecretForms>;
  /** More files on this machine that hold no secret in clear. */
  files?: readonly string[];
}

export class LeakWatch {
  private readonly forms: SecretForms = new Map();
  /** Each text that was seen, and where first. */
  private readonly seen = new Map<string, string>();
  private readonly found = new Set<string>();
  private readonly since = Date.now();
  private timer: NodeJS.Timeout | null = null;
  /** By process id, the number of samples since it was first seen. */
  private ages = new Map<string, number>();
  /** How many process lists were read: a watch that saw none proves nothing. */
  samples = 0;

  private constructor(private readonly watched: Watched) {}

  /** Of a stack, whose secrets are read now, at the end, and by `learn` in between. */
  static start(mesh: MeshLab): Promise<LeakWatch> {
    const secrets = async () => {
      const { stdout } = await mesh.pulumi("config", "--show-secrets", "--json");
      return formsOfStack(JSON.parse(stdout) as StackConfig);
    };
    return LeakWatch.over({ lab: mesh.lab, secrets, files: [mesh.stack.file] });
  }

  /** Of pushes without a stack: the keys of all nodes (`keysOf`), and the operator's SSH key. */
  static ofPushes(lab: Lab): Promise<LeakWatch> {
    const secrets = () => {
      const forms: SecretForms = new Map();
      for (const [node, key] of privateKeys()) addKey(forms, `private key of ${node}`, key);
      addKeyText(forms, "SSH private key", lab.sshPrivateKey());
      return Promise.resolve(forms);
    };
    return LeakWatch.over({ lab, secrets });
  }

  static async over(watched: Watched): Promise<LeakWatch> {
    const watch = new LeakWatch(watched);
    await watch.learn();
    watch.timer = setInterval(() => {
      watch.sample();
    }, SAMPLE_MS);
    // A test that failed before its end must not keep its process alive.
    watch.timer.unref();
    return watch;
  }

  /** Takes in the secrets as they are now: for those that will have been replaced by the end. */
  async learn(): Promise<void> {
    for (const [form, name] of await this.watched.secrets()) this.forms.set(form, name);
  }

  /** Takes what a command printed. */
  read(where: string, text: string): void {
    if (!this.seen.has(text)) this.seen.set(text, where);
  }

  /** Files of a machine that is no host of the lab; `run` runs a script there as root. */
  async readMachine(name: string, run: (script: string) => Promise<string>): Promise<void> {
    for (const part of (await run(FILES_SCRIPT)).split("\n== ")) {
      const file = part.slice(0, part.indexOf("\n"));
      if (!KEEPS_KEYS.test(file)) this.read(`${name}:${file}`, part);
    }
    const open = (await run(OPEN_FILES_SCRIPT)).split("\n").filter(Boolean);
    for (const file of open) this.found.add(`${name}:${file} is not for root alone`);
  }

  /** Ends the sampling, searches the files, and fails if any secret stood anywhere. */
  async end(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.learn();
    const { lab, files = [] } = this.watched;
    for (const text of printedIn(lab)) this.read("output of a push", text);
    const engine = filesBelow(lab.folder.engine).filter(
      (file) => path.basename(file) !== "passphrase",
    );
    const logs = filesBelow(lab.folder.logs);
    for (const file of [...engine, ...logs, ...files, ...this.temporaryFiles()])
      this.readFile(file);
    for (const host of lab.hosts) {
      await this.readMachine(host, async (script) => {
        const run = await lab.exec(host, ["sh", "-c", script]);
        return run.stdout;
      });
    }
    for (const [text, where] of this.seen) this.search(text, where);
    assert.deepEqual([...this.found], []);
    assert.ok(this.samples > 10, `only ${this.samples} process lists were read`);
  }

  private search(text: string, where: string): void {
    // base64(1) wraps its lines.
    const unwrapped = text.replaceAll(/\r?\n/g, "");
    for (const [form, name] of this.forms) {
      if (text.includes(form) || unwrapped.includes(form)) this.found.add(`${name} in ${where}`);
    }
  }

  private readFile(file: string): void {
    this.read(file, contentOf(file));
  }

  /** Of this machine: what was written since the beginning into the temporary folder itself, or into a folder of ours there. */
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

  /**
   * Reads all processes of the machine, those inside the hosts too: their pid namespaces are children of this one. A process
   * is read often while it is young, since it may still exec(3) another program, and seldom after that.
   */
  private sample(): void {
    this.samples += 1;
    const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const before = this.ages;
    this.ages = new Map(pids.map((pid) => [pid, (before.get(pid) ?? -1) + 1]));
    for (const [pid, age] of this.ages) {
      if (Number(pid) === process.pid) continue;
      if (age < YOUNG_SAMPLES || age % OLD_SAMPLES === 0) this.readProcess(pid);
    }
  }

  private readProcess(pid: string): void {
    const commandLine = contentOf(`/proc/${pid}/cmdline`);
    const environment = contentOf(`/proc/${pid}/environ`);
    const name = commandLine.split("\0", 2).join(" ").slice(0, 60);
    this.read(`command line of ${name}`, commandLine);
    const shown = isProgram(commandLine) ? withoutConfig(environment) : environment;
    this.read(`environment of ${name}`, shown);
  }
}

/** On a host the keys belong into the configs, live and staged, and where it keeps those that it made itself. */
const KEEPS_KEYS =
  /^\/etc\/wireguard\/(\.wireguard-mesh\/(good\/)?)?[\w.=+-]+\.conf(\.new)?$|^\/var\/lib\/wireguard-mesh\/[^/]+\/own-keys$/;

/** File systems of their own are named, for `-xdev` keeps out of them, and of /proc and /sys. */
const FILES_SCRIPT = `
for place in / /etc /usr /run /tmp /var /dev/shm; do
  find "$place" -xdev -newer /proc/1 -type f -size -${MAX_BYTES}c 2>/dev/null
done | sort -u | while IFS= read -r file; do printf '\\n== %s\\n' "$file"; cat "$file"; done`;

const OPEN_FILES_SCRIPT = `
find /etc/wireguard /var/lib/wireguard-mesh -type f '(' ! -perm 600 -o ! -user 0 ')' 2>/dev/null`;

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
    // It has gone since.
    return [];
  }
}

function contentOf(file: string): string {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    // The process has ended since, or the file has gone.
    return "";
  }
}
