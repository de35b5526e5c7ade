/** Makes the stack in the engine's backend where it is not there yet, and selects it. */
import { isMap } from "../../../mesh/config/shape-issues";
import { addSettings } from "../../stack/encrypt";
import { askEngine, complaintOf, onStack } from "../../stack/engine";
import { Failure } from "../../stack/failure";
import type { Stack } from "../../stack/project";
import { readSettings, readStackFile } from "../../stack/stack-file";
import { say } from "../command";

export interface EnsuredStack {
  /** The stack file's text, as the user left it, with what the engine must keep there (the passphrase's salt). */
  text: string;
  /** Whether the stack was made just now. */
  made: boolean;
}

/** `secretsProvider`: for a new stack; undefined leaves the choice to the engine's backend. */
export async function ensureStack(
  stack: Stack,
  secretsProvider: string | undefined,
): Promise<EnsuredStack> {
  const text = readStackFile(stack.file);
  // Before anything is made: a file that is no YAML must not come to light halfway.
  readSettings(text, stack.file);
  if (await isThere(stack)) {
    await ask(stack, onStack(stack, "stack", "select"));
    return { text, made: false };
  }
  const provider = secretsProvider === undefined ? [] : ["--secrets-provider", secretsProvider];
  await ask(stack, ["stack", "init", stack.name, ...provider]);
  say(
    `made the stack ${stack.name}: its state is in the backend that you are logged in to (pulumi whoami -v), its secrets are encrypted for it alone`,
  );
  // The engine has written the file anew; its comments and layout are the user's.
  const settings = readSettings(readStackFile(stack.file), stack.file);
  return { text: addSettings(text, settings), made: true };
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
