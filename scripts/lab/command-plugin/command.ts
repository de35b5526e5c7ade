/** What create, update and delete of a `command:local:Command` do; previews are in preview.ts. */
import { isUtf8 } from "node:buffer";
import { LineCutter, longestLine } from "./lines";
import { type Job, joined, type Piece, run, type Stream } from "./run";
import { bare, known, type Properties } from "../provider/values";

/** What one operation has around it. */
export interface Surroundings {
  /** Shows a line of output to the user. */
  say: (line: string) => Promise<void>;
  /** Aborted when the engine cancels or hangs up, or the time is out; and here when the output is hopeless. */
  control: AbortController;
}

/** The command ran, but its output cannot be told to the engine. */
export class Untellable extends Error {}

/** Runs `create`, if there is one, and returns the new state. Throws CommandFailure, Untellable. */
export function create(inputs: Properties, around: Surroundings): Promise<Properties> {
  return perform(inputs.get("create"), inputs, { stdout: "", stderr: "" }, around);
}

/** Runs `update`, else `create`, if there is one, and returns the new state. Throws CommandFailure, Untellable. */
export function update(
  inputs: Properties,
  state: Properties,
  around: Surroundings,
): Promise<Properties> {
  return perform(inputs.get("update") ?? inputs.get("create"), inputs, outputsOf(state), around);
}

/** Runs the recorded `delete`, if there is one, with what else was recorded. Throws CommandFailure. */
export async function remove(state: Properties, around: Surroundings): Promise<void> {
  await perform(state.get("delete"), state, outputsOf(state), around);
}

interface Outputs {
  stdout: string;
  stderr: string;
}

/** The output of the last run. */
export function outputsOf(state: Properties): Outputs {
  return { stdout: text(state, "stdout"), stderr: text(state, "stderr") };
}

async function perform(
  command: ReturnType<Properties["get"]>,
  inputs: Properties,
  previous: Outputs,
  around: Surroundings,
): Promise<Properties> {
  const outputs =
    command === undefined
      ? previous
      : await runCommand(String(bare(command)), inputs, previous, around);
  return new Map([...inputs, ["stdout", known(outputs.stdout)], ["stderr", known(outputs.stderr)]]);
}

async function runCommand(
  command: string,
  inputs: Properties,
  previous: Outputs,
  { say, control }: Surroundings,
): Promise<Outputs> {
  const job = jobOf(command, inputs, previous);
  const logging = new Logging(text(inputs, "logging", "stdoutAndStderr"), say);
  const hopeless = new Promise<never>((_, reject) => {
    logging.onTooLongLine = (why) => {
      reject(why);
      control.abort(why);
    };
  });
  const note = (piece: Piece): void => {
    logging.push(piece);
  };
  try {
    const pieces = await Promise.race([run(job, note, control.signal), hopeless]);
    return { stdout: outputText(pieces, "stdout"), stderr: outputText(pieces, "stderr") };
  } finally {
    await logging.end();
  }
}

function jobOf(command: string, inputs: Properties, previous: Outputs): Job {
  const interpreter = plain<string[]>(inputs, "interpreter", []);
  const told = plain<boolean>(inputs, "addPreviousOutputInEnv", true)
    ? previous
    : { stdout: "", stderr: "" };
  return {
    command,
    interpreter: interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"],
    dir: text(inputs, "dir"),
    environment: {
      ...plain<Record<string, string>>(inputs, "environment", {}),
      ...(told.stdout !== "" && { PULUMI_COMMAND_STDOUT: told.stdout }),
      ...(told.stderr !== "" && { PULUMI_COMMAND_STDERR: told.stderr }),
    },
    stdin: text(inputs, "stdin"),
  };
}

/** One trailing newline goes, the rest stays. Protobuf has no strings but UTF-8 ones. */
function outputText(pieces: Piece[], stream: Stream): string {
  const bytes = joined(pieces.filter((piece) => piece.stream === stream));
  if (!isUtf8(bytes))
    throw new Untellable("grpc: error while marshaling: string field contains invalid UTF-8");
  return bytes.toString().replace(/\n$/, "");
}

/** Shows the wanted streams line by line, in order, until a line comes on which the real plugin would hang. */
class Logging {
  onTooLongLine: (why: Error) => void = () => undefined;
  private readonly cutter: LineCutter;
  private open = true;
  private said: Promise<void> = Promise.resolve();

  constructor(
    private readonly wanted: string,
    say: (line: string) => Promise<void>,
  ) {
    this.cutter = new LineCutter((line) => {
      this.said = this.said.then(() => say(line));
    });
  }

  push({ stream, bytes }: Piece): void {
    if (this.wanted !== stream && this.wanted !== "stdoutAndStderr") return;
    if (!this.open || this.cutter.push(bytes)) return;
    this.open = false;
    this.onTooLongLine(tooLongLine());
  }

  async end(): Promise<void> {
    if (this.open) this.cutter.end();
    await this.said;
  }
}

function tooLongLine(): Error {
  const why = `a line of more than ${longestLine} bytes on a logged stream hangs the real command plugin 1.2.1 for ever`;
  return new Error(
    `the stand-in for the command plugin ended the command: ${why}; set logging to "none"`,
  );
}

function text(properties: Properties, name: string, otherwise = ""): string {
  return plain(properties, name, otherwise);
}

/** A property that has been checked to be of type T. */
function plain<T>(properties: Properties, name: string, otherwise: T): T {
  const value = properties.get(name);
  return value === undefined ? otherwise : (bare(value) as T);
}
