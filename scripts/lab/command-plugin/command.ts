/** Implements create, update and delete of a `command:local:Command`; previews are in preview.ts. */
import { isUtf8 } from "node:buffer";
import { LineSplitter, longestLine } from "./lines";
import { type Job, joined, type Piece, run, type Stream } from "./run";
import { bare, known, type Properties } from "../provider/values";

/** The context of one operation. */
export interface OperationContext {
  /** Shows a line of output to the user. */
  log: (line: string) => Promise<void>;
  /** Aborted when the engine cancels the operation or the call, after a timeout, or by a line that is too long. */
  control: AbortController;
}

/** The command ran, but its output cannot be sent to the engine. */
export class InvalidOutput extends Error {}

/** Runs `create`, if set. @returns the new state. @throws CommandFailure, InvalidOutput */
export function create(inputs: Properties, context: OperationContext): Promise<Properties> {
  return perform(inputs.get("create"), inputs, { stdout: "", stderr: "" }, context);
}

/** Runs `update` or, if unset, `create`. @returns the new state. @throws CommandFailure, InvalidOutput */
export function update(
  inputs: Properties,
  state: Properties,
  context: OperationContext,
): Promise<Properties> {
  return perform(inputs.get("update") ?? inputs.get("create"), inputs, outputsOf(state), context);
}

/** Runs the recorded `delete`, if set, with the recorded inputs. @throws CommandFailure */
export async function remove(state: Properties, context: OperationContext): Promise<void> {
  await perform(state.get("delete"), state, outputsOf(state), context);
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
  context: OperationContext,
): Promise<Properties> {
  const outputs =
    command === undefined
      ? previous
      : await runCommand(String(bare(command)), inputs, previous, context);
  return new Map([...inputs, ["stdout", known(outputs.stdout)], ["stderr", known(outputs.stderr)]]);
}

async function runCommand(
  command: string,
  inputs: Properties,
  previous: Outputs,
  { log, control }: OperationContext,
): Promise<Outputs> {
  const job = jobOf(command, inputs, previous);
  const logging = new Logging(text(inputs, "logging", "stdoutAndStderr"), log);
  const lineTooLong = new Promise<never>((_, reject) => {
    logging.onTooLongLine = (error) => {
      reject(error);
      control.abort(error);
    };
  });
  const onPiece = (piece: Piece): void => {
    logging.push(piece);
  };
  try {
    const pieces = await Promise.race([run(job, onPiece, control.signal), lineTooLong]);
    return { stdout: outputText(pieces, "stdout"), stderr: outputText(pieces, "stderr") };
  } finally {
    await logging.end();
  }
}

function jobOf(command: string, inputs: Properties, previous: Outputs): Job {
  const interpreter = plain<string[]>(inputs, "interpreter", []);
  const passed = plain<boolean>(inputs, "addPreviousOutputInEnv", true)
    ? previous
    : { stdout: "", stderr: "" };
  return {
    command,
    interpreter: interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"],
    dir: text(inputs, "dir"),
    environment: {
      ...plain<Record<string, string>>(inputs, "environment", {}),
      ...(passed.stdout !== "" && { PULUMI_COMMAND_STDOUT: passed.stdout }),
      ...(passed.stderr !== "" && { PULUMI_COMMAND_STDERR: passed.stderr }),
    },
    stdin: text(inputs, "stdin"),
  };
}

/** Removes one trailing newline. Protobuf strings must be UTF-8. */
function outputText(pieces: Piece[], stream: Stream): string {
  const bytes = joined(pieces.filter((piece) => piece.stream === stream));
  if (!isUtf8(bytes))
    throw new InvalidOutput("grpc: error while marshaling: string field contains invalid UTF-8");
  return bytes.toString().replace(/\n$/, "");
}

/** Logs the selected streams line by line, in order, until a line is so long that the real plugin would hang. */
class Logging {
  onTooLongLine: (error: Error) => void = () => undefined;
  private readonly splitter: LineSplitter;
  private open = true;
  private logged: Promise<void> = Promise.resolve();

  constructor(
    private readonly selected: string,
    log: (line: string) => Promise<void>,
  ) {
    this.splitter = new LineSplitter((line) => {
      this.logged = this.logged.then(() => log(line));
    });
  }

  push({ stream, bytes }: Piece): void {
    if (this.selected !== stream && this.selected !== "stdoutAndStderr") return;
    if (!this.open || this.splitter.push(bytes)) return;
    this.open = false;
    this.onTooLongLine(tooLongLine());
  }

  async end(): Promise<void> {
    if (this.open) this.splitter.end();
    await this.logged;
  }
}

function tooLongLine(): Error {
  const reason = `a line of more than ${longestLine} bytes on a logged stream hangs the real command plugin 1.2.1 forever`;
  return new Error(
    `the stand-in for the command plugin ended the command: ${reason}; set logging to "none"`,
  );
}

function text(properties: Properties, name: string, fallback = ""): string {
  return plain(properties, name, fallback);
}

/** A property that has already been checked to be of type T. */
function plain<T>(properties: Properties, name: string, fallback: T): T {
  const value = properties.get(name);
  return value === undefined ? fallback : (bare(value) as T);
}
