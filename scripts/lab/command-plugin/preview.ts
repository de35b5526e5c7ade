/** Computes the state after a create or update, as far as it is known in a preview, without running anything. */
import { outputsOf } from "./command";
import { inputTypes } from "./fields";
import { equals, known, type Properties, unknown, type Value } from "../provider/values";

/** The state after a create: the output is unknown, even if no command would run. */
export function previewCreate(inputs: Properties): Properties {
  return withOutputs(inputs, { data: unknown, secret: false }, { data: unknown, secret: false });
}

/**
 * The state after an update. The output is unknown if an input is unknown as a whole, or was set before and has changed.
 * An input that was not set before keeps the old output, as in the real plugin.
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
