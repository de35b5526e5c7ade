/** The pages that `npm run docs` writes are those in docs/, and say what the program does. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { ec2Shape } from "../../mesh/config/ec2-shape";
import { FACTS } from "../../mesh/config/sections";
import { generatedPages } from "../../scripts/docs/pages";
import { commands } from "../../scripts/wireguard-mesh";

const ROOT = join(__dirname, "../..");
const pages = generatedPages(commands, ROOT);

describe("the pages made from the code", () => {
  for (const [file, text] of pages) {
    it(`${file} is up to date; else run \`npm run docs\``, () => {
      assert.equal(readFileSync(join(ROOT, file), "utf8"), `${text}\n`);
    });
  }

  it("show the help that a user sees", () => {
    const program = join(ROOT, "dist/scripts/wireguard-mesh.js");
    const { stdout } = spawnSync(process.execPath, [program, "add-peer", "--help"], {
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    assert.match(stdout, /^Usage: wireguard-mesh add-peer /);
    assert.ok(pages.get("docs/reference/commands.md")?.includes(`\n${stdout.trim()}\n`));
  });

  it("describe every key in one line", () => {
    const shapes = [...Object.values(FACTS).map(({ shape }) => shape), ec2Shape];
    const undescribed = shapes.flatMap(({ shape }) =>
      Object.entries<z.ZodType>(shape)
        .filter(([, field]) => !/^\S.{3,250}$/.test(field.meta()?.description ?? ""))
        .map(([key]) => key),
    );
    assert.deepEqual(undescribed, []);
  });
});
