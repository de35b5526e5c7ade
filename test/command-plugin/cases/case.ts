/** A test case: a call of the engine, and the result of version 1.2.1 of the command plugin. */
import type { CallResult, Properties, CallSpec } from "../plugin-call";

export interface Case {
  title: string;
  call: CallSpec;
  result: CallResult;
}

const signature = "4dabf18193072939515e22adb298388d";

/** A secret value, on the wire. */
export function secret(value: Properties[string]): Properties {
  return { [signature]: "1b47061264138c4ac30d75fd1eb44270", value };
}

/** An output value, on the wire; without `value` it is unknown. */
export function output(parts: { value?: Properties[string]; secret?: boolean }): Properties {
  return { [signature]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...parts };
}

/** A value that is unknown in a preview. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** An unknown value that is secret. */
export const unknownSecret = output({ secret: true });
