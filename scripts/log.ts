/** Progress and warnings on stderr: stdout has only the result, so that it can be piped. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`);
}
