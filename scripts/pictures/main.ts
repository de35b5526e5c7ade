/** `npm run pictures`: draws docs/pictures again. */
import * as fs from "node:fs";
import * as path from "node:path";
import { pictures } from "./pictures";

const FOLDER = path.join(__dirname, "../../docs/pictures");

void pictures().then((drawn) => {
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const [file, svg] of drawn) fs.writeFileSync(path.join(FOLDER, file), svg);
  console.log(`${FOLDER}: ${drawn.size} pictures`);
});
