/** Shows output of a host to the user, without control characters and shortened. */

const LINES = 3;
const LENGTH = 200;

/** The last non-empty lines, indented, to follow a cause; "" if there are none. */
export function quoted(words: string): string {
  const lines = words.split("\n").map(printable);
  const shown = lines.filter((line) => line !== "").slice(-LINES);
  return shown
    .map((line, index) => `\n    ${index === 0 ? "it says: " : "         "}${line}`)
    .join("");
}

/** Without colours, control characters and invisible characters; cut to a length. */
export function printable(line: string): string {
  const plain = line
    .slice(0, 10 * LENGTH)
    // eslint-disable-next-line no-control-regex -- escape sequences (ECMA-48) begin with one
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "")
    .replace(/\t/g, " ")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
  return plain.length <= LENGTH ? plain : `${plain.slice(0, LENGTH)}…`;
}
