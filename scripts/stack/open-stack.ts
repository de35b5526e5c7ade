/** The stack of a command: opened once and passed down; reads its file and outputs once. */
import { formatIssues, type Issue } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh, type Mesh } from "../../mesh/mesh";
import type { Plan } from "../../mesh/plan/plan";
import { Secret } from "../../mesh/secret";
import { log } from "../log";
import { addSecrets, ciphertextAt, decrypt, withSecrets, type NewSecret } from "./config-secrets";
import { Failure } from "./failure";
import { readOutputs, readOutputsWithConfigs, withNextKeys } from "./outputs";
import type { Outputs, OutputsWithConfigs } from "./outputs";
import { findStack, noStackFile, type Project, type StackRef } from "./project";
import {
  configIn,
  configSoFarIn,
  misreadIn,
  readConfigSoFar,
  readSettings,
  unencryptedIn,
} from "./stack-file";
import { readUserFile, refuseReadOnly, replaceUserFile, withFileLock } from "./user-file";

/** A new text for the stack file, and the secrets to encrypt into it. */
export interface StackEdit {
  text: string;
  secrets?: readonly NewSecret[];
}

/** `stack`: the value of --stack. */
export function openStack(stack: string | undefined): OpenStack {
  return new OpenStack(findStack(stack));
}

/** Caches what it reads until `edit` changes the file, or `reopen` is called after an `up` has changed the state. */
export class OpenStack implements StackRef {
  readonly project: Project;
  readonly name: string;
  readonly file: string;
  private fromFile: {
    text?: string;
    settings?: Record<string, unknown>;
    config?: RawConfig;
    mesh?: Mesh;
    plan?: Promise<Plan>;
  } = {};
  private fromState: { outputs?: Promise<Outputs>; all?: Promise<OutputsWithConfigs> } = {};
  private sshKey: { ciphertext: string | null; value: Promise<Secret> } | null = null;
  private warned = false;

  constructor({ project, name, file }: StackRef) {
    this.project = project;
    this.name = name;
    this.file = file;
  }

  /** Clears the cache. Call it after a run of the engine, during which the file may have been edited too. */
  reopen(): void {
    this.fromFile = {};
    this.fromState = {};
  }

  /**
   * The text of the stack file.
   * @throws Failure if it does not exist: only `init` creates one.
   */
  get text(): string {
    this.fromFile.text ??= readUserFile(this.file) ?? undefined;
    if (this.fromFile.text === undefined) throw noStackFile(this);
    return this.fromFile.text;
  }

  private get settings(): Record<string, unknown> {
    return (this.fromFile.settings ??= readSettings(this.text, this.file));
  }

  /** @throws Failure when the file has no `config:`. */
  get config(): RawConfig {
    return (this.fromFile.config ??= configIn(this.settings, this.file));
  }

  /** Empty where the file has no `config:` yet. */
  get configSoFar(): RawConfig {
    return configSoFarIn(this.settings, this.file);
  }

  /** The network that the file describes, with its mistakes. */
  get mesh(): Mesh {
    return (this.fromFile.mesh ??= readMesh(this.config, Date.now()));
  }

  /** @throws Failure with all mistakes of the config. */
  filePlan(): Plan {
    return planOf(this.mesh);
  }

  /**
   * The same plan as the program's, with the next keys that are only in the outputs (withNextKeys). If these cannot be read, the
   * plan of the file.
   */
  plan(): Promise<Plan> {
    return (this.fromFile.plan ??= this.readPlan());
  }

  /** @throws Failure when the engine does not return them. */
  async outputs(): Promise<Outputs> {
    if (this.fromState.all !== undefined) return (await this.fromState.all).outputs;
    return (this.fromState.outputs ??= readOutputs(this));
  }

  /** For commands that work without them: empty, with a warning, when the engine does not return them. */
  async outputsOrNone(): Promise<Outputs> {
    try {
      return await this.outputs();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!this.warned) log(`${error.message}\n  ${WITHOUT_OUTPUTS}`);
      this.warned = true;
      return {};
    }
  }

  /** The wg-quick(8) files of nodes without a host, by node. The same query returns the outputs. */
  async configs(): Promise<Map<string, Secret>> {
    this.fromState.all ??= readOutputsWithConfigs(this);
    return (await this.fromState.all).configs;
  }

  /** The stack's own SSH key; null, without running the engine, if the config has none. */
  async sshPrivateKey(): Promise<Secret | null> {
    if (!(this.config["sshPrivateKey"] instanceof Secret)) return null;
    const ciphertext = ciphertextAt(this.text, ["sshPrivateKey"], this.file);
    if (this.sshKey === null || this.sshKey.ciphertext !== ciphertext)
      this.sshKey = { ciphertext, value: decrypt(this, ["sshPrivateKey"]) };
    return this.sshKey.value;
  }

  /** @throws Failure for values that the engine reads differently from what the file has, or cannot decrypt. */
  refuseMisread(): void {
    const refuse = (what: string, issues: Issue[]) => {
      if (issues.length === 0) return;
      const message = `${this.file} has values that the engine ${what}; nothing was changed`;
      throw new Failure(`${message}\n${formatIssues(issues)}`);
    };
    refuse("reads differently", misreadIn(this.configSoFar));
    refuse("cannot decrypt", unencryptedIn(this.settings));
  }

  /**
   * Checks an edit without writing it, for a command that does something else first.
   * @throws Failure when the edit would add a mistake to the config, or the file cannot be changed.
   */
  review(change: (text: string) => StackEdit): void {
    const { text, secrets = [] } = change(this.text);
    refuseReadOnly(this.file);
    const after = readConfigSoFar(text, this.file);
    reviewEdit(this.configSoFar, withSecrets(after, secrets));
  }

  /**
   * All commands change a stack file through this method. Under a lock, it reads the file again, changes it, reviews the change,
   * encrypts its secrets and replaces the file. `change` must use the text and the plan that it gets, because the file may have
   * changed since the command read it.
   * @throws Failure, with the file as it was, when the edit would add a mistake, a secret cannot be encrypted, or the file
   * cannot be changed without changing more than that.
   */
  async edit(change: (text: string, plan: () => Plan) => StackEdit): Promise<void> {
    await withFileLock(this.file, async () => {
      this.fromFile = {};
      const { text } = this;
      const edit = change(text, () => this.filePlan());
      if (edit.text === text && (edit.secrets ?? []).length === 0) return;
      this.review(() => edit);
      const edited = await addSecrets(this, edit.text, edit.secrets ?? []);
      replaceUserFile(this.file, edited, text);
      this.fromFile = { text: edited };
    });
  }

  /** Undoes an edit by writing the former text. Returns false and changes nothing if the file was changed since. */
  restore(former: string, edited: string): Promise<boolean> {
    return withFileLock(this.file, () => {
      this.fromFile = {};
      const isEdited = this.text === edited;
      if (isEdited) replaceUserFile(this.file, former, edited);
      this.fromFile = {};
      return Promise.resolve(isEdited);
    });
  }

  private async readPlan(): Promise<Plan> {
    const { config } = this;
    const completed = withNextKeys(config, await this.outputsOrNone());
    return planOf(readMesh(completed, Date.now()));
  }
}

const WITHOUT_OUTPUTS =
  "Without them, a rotation that was started by setting only a private key (npx pulumi config set --secret) is not known, and its hosts appear to differ from the plan.";

function planOf({ plan, issues }: Mesh): Plan {
  if (plan !== null) return plan;
  throw new Failure(
    `the config has mistakes:\n${formatIssues(issues)}`,
    "see: npx wireguard-mesh plan",
  );
}

/**
 * Validates an edit. Mistakes that existed before it are allowed, so that a file can be fixed step by step.
 * @throws Failure when the edit adds a mistake.
 */
export function reviewEdit(before: RawConfig, after: RawConfig): void {
  const now = Date.now();
  const known = new Set(errorsOf(readMesh(before, now)).map(({ path, message }) => path + message));
  const added = errorsOf(readMesh(after, now)).filter(
    ({ path, message }) => !known.has(path + message),
  );
  if (added.length === 0) return;
  throw new Failure(`the edit would add mistakes, so nothing was written:\n${formatIssues(added)}`);
}

function errorsOf(mesh: Mesh): Issue[] {
  return mesh.issues.filter((issue) => issue.severity === "error");
}
