/** Progress and warnings on stderr: stdout has the result alone, so that it can be piped. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`);
}
