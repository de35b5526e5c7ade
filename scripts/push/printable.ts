/** What a host said, for people: shown as its own words, and kept from steering their terminal or filling it. */

const LINES = 3;
const LENGTH = 200;

/** The last lines that say something, each on a line of its own below a cause; "" if none does. */
export function quoted(words: string): string {
  const lines = words.split("\n").map(printable);
  const said = lines.filter((line) => line !== "").slice(-LINES);
  return said
    .map((line, index) => `\n    ${index === 0 ? "it says: " : "         "}${line}`)
    .join("");
}

/** Without colours, control and invisible characters; cut to a length. */
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
