/** `node dist/scripts/lab/vm/build-image.js`: builds the virtual machines' disk image in advance, for CI. */
import { LabError } from "../world";
import { findOrBuildImage } from "./image";

async function main(): Promise<void> {
  const image = await findOrBuildImage((line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${JSON.stringify(image)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof LabError ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
