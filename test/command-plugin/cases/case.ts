/** The form of a case: what the engine asks, and what plugin `command` 1.2.1 answers. */
import type { Answer, Properties, Question } from "../ask";

export interface Case {
  title: string;
  ask: Question;
  answer: Answer;
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

/** What only the real run can tell. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The same, where it will be a secret. */
export const unknownSecret = output({ secret: true });
