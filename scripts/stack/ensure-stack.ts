/** Creates the stack in the engine's backend unless it exists, and selects it. */
import { isMap } from "../../mesh/config/shape-issues";
import { log } from "../log";
import { addSettings } from "./config-secrets";
import { editorLine } from "./editor-line";
import { captureEngine, errorOf, onStack } from "./engine";
import { Failure } from "./failure";
import { shortName, stackFlag, type StackRef } from "./project";
import { readSettings } from "./stack-file";
import { readUserFile, refuseReadOnly, replaceUserFile } from "./user-file";
import { hasSecrets, removeSecrets } from "./remove-secrets";

interface EnsuredStack {
  /** The text of the stack file; with the engine's settings (encryptionsalt, ...) if the stack was created just now. */
  text: string;
  /** Whether the stack was created just now. */
  created: boolean;
  /** The first line of a new stack file; empty for an existing one. */
  heading: string;
}

export interface StackOptions {
  /** For a new stack; undefined: the backend's default. */
  secretsProvider?: string;
  /** The passphrase is lost: everything that it encrypts in the stack file is removed. */
  lostSecrets?: true;
}

export async function ensureStack(stack: StackRef, options: StackOptions): Promise<EnsuredStack> {
  const { secretsProvider, lostSecrets } = options;
  const before = readUserFile(stack.file) ?? "";
  // Throws for a file that cannot be read or written, before anything is created.
  readSettings(before, stack.file);
  const heading = before === "" ? editorLine(stack.file) : "";
  const existed = await exists(stack);
  const text = lostSecrets === true ? withoutSecrets(stack, before, existed) : before;
  if (existed) {
    if (secretsProvider !== undefined) throw providerIsChosen(stack, secretsProvider);
    const isSelected = stackFlag(stack) === "";
    await run(stack, onStack(stack, "stack", "select"));
    if (!isSelected) log(selectedText(stack));
    return { text, created: false, heading };
  }
  refuseReadOnly(stack.file);
  const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
  await run(stack, ["stack", "init", stack.name, ...provider]);
  // The engine has rewritten the file. Take only its settings, and keep the user's comments and layout.
  const rewritten = readUserFile(stack.file);
  const settings = readSettings(rewritten ?? "", stack.file);
  const completed = addSettings(text, settings);
  replaceUserFile(stack.file, completed, rewritten);
  log(
    [
      `created the stack ${stack.name}: its state is in the backend that you are logged in to (npx pulumi whoami -v)`,
      selectedText(stack),
      providerText(settings["secretsprovider"]),
    ].join("\n"),
  );
  return { text: completed, created: true, heading };
}

/** Also for a new stack, because the engine selects it. */
function selectedText({ name }: StackRef): string {
  const other = process.env["PULUMI_STACK"] ?? "";
  return other === ""
    ? `${name} is selected now: commands without --stack work on it`
    : `${name} is selected now, but commands without --stack work on ${other} (PULUMI_STACK)`;
}

/** Explains the secrets provider and how to change it. */
function providerText(provider: unknown): string {
  const chosen =
    typeof provider === "string" && provider !== "passphrase"
      ? [
          `Its secrets (private keys, seeds) are encrypted by ${provider}: everyone who may use it can read them.`,
        ]
      : [
          "Its secrets (private keys, seeds) are encrypted with your passphrase (PULUMI_CONFIG_PASSPHRASE).",
          "  Keep a copy of it elsewhere: it cannot be recovered. Enough for one person or a few.",
          "  For a team, a key service controls who may decrypt, logs it and can revoke it:",
          "  --secrets-provider awskms://..., azurekeyvault://..., gcpkms://..., hashivault://...",
        ];
  const change =
    "  To change it later, to back it up, and what to do when it is lost: docs/secrets.md";
  return [...chosen, change].join("\n");
}

function providerIsChosen({ name }: StackRef, provider: string): Failure {
  return new Failure(
    `the stack ${name} exists already, and init changes nothing that exists`,
    `change what encrypts its secrets: npx pulumi stack change-secrets-provider --stack ${name} "${provider}"`,
  );
}

/** Writes the file without secrets before the engine runs: if the file has their salt, the engine needs the lost passphrase. */
function withoutSecrets(stack: StackRef, before: string, existed: boolean): string {
  if (!hasSecrets(before, stack.file)) return before;
  if (existed) {
    throw new Failure(
      `the state of the stack ${stack.name} is encrypted with the lost passphrase too`,
      `remove it, which touches no host: npx pulumi stack rm ${stack.name} --force --preserve-config --yes`,
    );
  }
  const { text, kept, keyless, removed } = removeSecrets(before, stack.file);
  replaceUserFile(stack.file, text, before);
  const lines = [
    ...(kept.length === 0 ? [] : [`keep the keys that their hosts have: ${kept.join(", ")}`]),
    ...(keyless.length === 0 ? [] : [`get new keys, the old ones are lost: ${keyless.join(", ")}`]),
    ...(removed.length === 0 ? [] : [`removed: ${removed.join(", ")}`]),
  ];
  log(
    `removed everything that was encrypted from ${stack.file}\n${lines.map((line) => `  ${line}`).join("\n")}`,
  );
  return text;
}

async function exists(stack: StackRef): Promise<boolean> {
  const answer = await captureEngine(stack.project, ["stack", "ls", "--json"]);
  if (answer.exitCode !== 0) {
    throw new Failure(
      `pulumi has no backend for the stack's state: ${errorOf(answer)}`,
      "a private folder is enough: mkdir -m 700 ~/.wireguard-mesh && npx pulumi login file://~/.wireguard-mesh",
    );
  }
  const stacks: unknown = JSON.parse(answer.stdout);
  return (
    Array.isArray(stacks) &&
    stacks.some(
      (one: unknown) => isMap(one) && shortName(String(one["name"])) === shortName(stack.name),
    )
  );
}

async function run(stack: StackRef, args: string[]): Promise<void> {
  const answer = await captureEngine(stack.project, args);
  if (answer.exitCode === 0) return;
  const reason = errorOf(answer);
  throw new Failure(
    `pulumi could not ${args[1] === "select" ? "select" : "create"} the stack ${stack.name}: ${reason}`,
    /passphrase/i.test(reason)
      ? "the passphrase encrypts the private keys; set one and keep a copy: export PULUMI_CONFIG_PASSPHRASE=..."
      : null,
  );
}
