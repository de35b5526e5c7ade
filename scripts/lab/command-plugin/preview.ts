/** What create and update would leave, as far as it is known before they ran. Nothing is run. */
import { outputsOf } from "./command";
import { inputTypes } from "./fields";
import { equals, known, type Properties, unknown, type Value } from "../provider/values";

/** The state after a create: its output is unknown, even where no command would run. */
export function previewCreate(inputs: Properties): Properties {
  return withOutputs(inputs, { data: unknown, secret: false }, { data: unknown, secret: false });
}

/**
 * The state after an update. The output is unknown if an input that was set before has another value now, or one that
 * is unknown as a whole; an input that merely came to be set leaves the old output standing, as in the real plugin.
 */
export function previewUpdate(inputs: Properties, state: Properties): Properties {
  const changed = Object.keys(inputTypes).some((name) => {
    const value = inputs.get(name);
    return value?.data === unknown || (state.has(name) && !equals(value, state.get(name)));
  });
  if (changed) return previewCreate(inputs);
  const { stdout, stderr } = outputsOf(state);
  return withOutputs(inputs, known(stdout), known(stderr));
}

function withOutputs(inputs: Properties, stdout: Value, stderr: Value): Properties {
  return new Map([...inputs, ["stdout", stdout], ["stderr", stderr]]);
}
