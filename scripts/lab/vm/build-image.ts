/** `node dist/scripts/lab/vm/build-image.js`: has the virtual machines' disk ready before it is needed, as CI wants it. */
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
