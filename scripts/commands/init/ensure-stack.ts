/** Makes the stack in the engine's backend where it is not there yet, and selects it. */
import { isMap } from "../../../mesh/config/shape-issues";
import { addSettings } from "../../stack/encrypt";
import { askEngine, complaintOf, onStack } from "../../stack/engine";
import { Failure } from "../../stack/failure";
import type { Stack } from "../../stack/project";
import { readSettings, readStackFile, writeStackFile } from "../../stack/stack-file";
import { say } from "../command";
import { forgetSecrets, holdsSecrets } from "./forget-secrets";

export interface EnsuredStack {
  /** The stack file's text, as the user left it, with what the engine must keep there (the passphrase's salt). */
  text: string;
  /** Whether the stack was made just now. */
  made: boolean;
}

/**
 * `secretsProvider`: for a new stack; undefined leaves the choice to the engine's backend. `lost`: the passphrase of the stack
 * file's secrets; what is encrypted with it goes.
 */
export async function ensureStack(
  stack: Stack,
  secretsProvider: string | undefined,
  lost: boolean,
): Promise<EnsuredStack> {
  const before = readStackFile(stack.file);
  // Before anything is made: a file that is no YAML must not come to light halfway.
  readSettings(before, stack.file);
  const isMade = await isThere(stack);
  const text = lost ? withoutSecrets(stack, before, isMade) : before;
  if (isMade) {
    if (secretsProvider !== undefined) throw providerChosen(stack, secretsProvider);
    await ask(stack, onStack(stack, "stack", "select"));
    return { text, made: false };
  }
  const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
  await ask(stack, ["stack", "init", stack.name, ...provider]);
  // The engine has written the file anew; its comments and layout are the user's.
  const settings = readSettings(readStackFile(stack.file), stack.file);
  say(
    `made the stack ${stack.name}: its state is in the backend that you are logged in to (pulumi whoami -v)\n${choiceText(settings["secretsprovider"])}`,
  );
  return { text: addSettings(text, settings), made: true };
}

/** Who encrypts, what that means, and how it is changed. */
function choiceText(provider: unknown): string {
  const chosen =
    typeof provider === "string" && provider !== "passphrase"
      ? [
          `Its secrets (private keys, seeds) are encrypted by ${provider}: who may use that may read them.`,
        ]
      : [
          "Its secrets (private keys, seeds) are encrypted with your passphrase (PULUMI_CONFIG_PASSPHRASE).",
          "  Keep a copy of it elsewhere: nobody can bring it back. Enough for one person or a few.",
          "  For a team, a key service decides who may decrypt, logs it and can take it back:",
          "  --secrets-provider awskms://..., azurekeyvault://..., gcpkms://..., hashivault://...",
        ];
  const change =
    "  To change it later, to back it up, and what to do when it is lost: docs/secrets.md";
  return [...chosen, change].join("\n");
}

function providerChosen({ name }: Stack, provider: string): Failure {
  return new Failure(
    `the stack ${name} is there already, and init changes nothing that is there`,
    `change who encrypts its secrets: pulumi stack change-secrets-provider --stack ${name} "${provider}"`,
  );
}

/** Writes the file without them at once: the engine would ask for the lost passphrase as long as their salt stands in it. */
function withoutSecrets(stack: Stack, before: string, isMade: boolean): string {
  if (!holdsSecrets(before, stack.file)) return before;
  if (isMade) {
    throw new Failure(
      `the state of the stack ${stack.name} is encrypted with the lost passphrase too`,
      `forget it, which touches no host: pulumi stack rm ${stack.name} --force --preserve-config --yes`,
    );
  }
  const { text, kept, keyless, gone } = forgetSecrets(before, stack.file);
  writeStackFile(stack.file, text);
  const lines = [
    ...(kept.length === 0
      ? []
      : [`their hosts have their keys, and go on with them: ${kept.join(", ")}`]),
    ...(keyless.length === 0
      ? []
      : [`new keys, since nobody has the former ones: ${keyless.join(", ")}`]),
    ...(gone.length === 0 ? [] : [`gone: ${gone.join(", ")}`]),
  ];
  say(
    `took all that was encrypted out of ${stack.file}\n${lines.map((line) => `  ${line}`).join("\n")}`,
  );
  return text;
}

async function isThere(stack: Stack): Promise<boolean> {
  const answer = await askEngine(stack.project, ["stack", "ls", "--json"]);
  if (answer.exitCode !== 0) {
    throw new Failure(
      `the engine has no backend to keep the stack's state in: ${complaintOf(answer)}`,
      "a private folder will do: mkdir -m 700 ~/.wireguard-mesh && npx pulumi login file://~/.wireguard-mesh",
    );
  }
  const stacks: unknown = JSON.parse(answer.stdout);
  const short = (name: string) => name.slice(name.lastIndexOf("/") + 1);
  return (
    Array.isArray(stacks) &&
    stacks.some((one: unknown) => isMap(one) && short(String(one["name"])) === short(stack.name))
  );
}

async function ask(stack: Stack, args: string[]): Promise<void> {
  const answer = await askEngine(stack.project, args);
  if (answer.exitCode === 0) return;
  const complaint = complaintOf(answer);
  throw new Failure(
    `the engine could not ${args[1] === "select" ? "select" : "make"} the stack ${stack.name}: ${complaint}`,
    /passphrase/i.test(complaint)
      ? "the passphrase encrypts the private keys; set one and keep a copy: export PULUMI_CONFIG_PASSPHRASE=..."
      : null,
  );
}
