/** The outputs of the last `up`, for commands that can do without them. */
import { Failure } from "../stack/failure";
import { readOutputs, type Outputs } from "../stack/outputs";
import type { Stack } from "../stack/project";
import { say } from "./command";

/** Empty, and that is said, where the engine does not give them: no backend, no passphrase. */
export async function lastOutputs(stack: Stack): Promise<Outputs> {
  try {
    return await readOutputs(stack);
  } catch (problem) {
    if (!(problem instanceof Failure)) throw problem;
    say(
      `${problem.message}\n  So a key that was set as a secret alone (pulumi config set --secret) is not known here, and its hosts seem to differ from the plan.`,
    );
    return {};
  }
}
