/** `npm run docs`: writes the generated pages. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commands } from "../wireguard-mesh";
import { generatedPages } from "./pages";

const [, , root = "."] = process.argv;
for (const [file, text] of generatedPages(commands, root)) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), `${text}\n`);
}
