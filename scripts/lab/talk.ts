/** What the lab says to people: on stdout, or on stderr when stdout is for JSON. */
import pc from "picocolors";

export interface Talk {
  /** One line, or several. */
  say: (text: string) => void;
  title: (text: string) => void;
  good: (text: string) => void;
  bad: (text: string) => void;
  /** A command that is run, as one could type it. */
  command: (node: string, argv: string[]) => void;
  /** What a command printed. */
  output: (text: string) => void;
  /** Where a child process may write its own talk. */
  stream: "stdout" | "stderr";
}

/** Colours go away by themselves where they are not wanted (NO_COLOR, no terminal). */
export function talkOn(stream: "stdout" | "stderr"): Talk {
  const say = (text: string): void => {
    process[stream].write(`${text}\n`);
  };
  return {
    stream,
    say,
    title: (text) => {
      say(`\n${pc.bold(text)}`);
    },
    good: (text) => {
      say(`  ${pc.green("ok")}    ${text}`);
    },
    bad: (text) => {
      say(`  ${pc.red("FAIL")}  ${text}`);
    },
    command: (node, argv) => {
      say(`        ${pc.cyan(`${node} $`)} ${shown(argv)}`);
    },
    output: (text) => {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      if (lines.length > 0) say(pc.dim(lines.map((line) => `        ${line}`).join("\n")));
    },
  };
}

/** A command line that a shell would take as it stands. */
export function shown(argv: string[]): string {
  return argv
    .map((word) =>
      /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`,
    )
    .join(" ");
}
