/** The lab's human-readable log: on stdout, or on stderr when stdout is for JSON. */
import pc from "picocolors";
import { wrapLines, wrapped } from "../cli/wrap";

export interface LabLog {
  /** As it is: one or more lines. */
  info: (text: string) => void;
  /** Sentences, in lines of 80 columns. */
  prose: (text: string) => void;
  heading: (text: string) => void;
  pass: (text: string) => void;
  fail: (text: string) => void;
  /** A command that runs, as typed in a shell on the node. */
  command: (node: string, argv: string[]) => void;
  /** The output of a command. */
  output: (text: string) => void;
  /** The stream for the output of child processes. */
  stream: "stdout" | "stderr";
}

/** picocolors leaves the colours out without a terminal or with NO_COLOR. */
export function logTo(stream: "stdout" | "stderr"): LabLog {
  const info = (text: string): void => {
    process[stream].write(`${text}\n`);
  };
  return {
    stream,
    info,
    prose: (text) => {
      info(wrapLines(text));
    },
    heading: (text) => {
      info(`\n${pc.bold(wrapped("", text))}`);
    },
    pass: (text) => {
      info(wrapped(`  ${pc.green("ok")}    `, text));
    },
    fail: (text) => {
      info(wrapped(`  ${pc.red("FAIL")}  `, text));
    },
    command: (node, argv) => {
      info(`        ${pc.cyan(`${node} $`)} ${shellLine(argv)}`);
    },
    output: (text) => {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      if (lines.length > 0) info(pc.dim(lines.map((line) => `        ${line}`).join("\n")));
    },
  };
}

/** Formats an argv as a shell command line. */
export function shellLine(argv: string[]): string {
  return argv
    .map((word) =>
      /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
    )
    .join(" ");
}
