/** The README and docs/ name commands, options, npm scripts and pages that exist. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { commands } from "../../scripts/wireguard-mesh";

const ROOT = path.join(__dirname, "../..");
const PAGES = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...fs
    .readdirSync(path.join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((page) => page.endsWith(".md"))
    .map((page) => path.join("docs", page)),
];

describe("the README and docs/", () => {
  it("name only commands and options that exist", () => {
    const mistakes = PAGES.flatMap((page) =>
      commandLines(read(page)).flatMap((line) => {
        const problem = problemOf(line);
        return problem === null ? [] : [`${page}: ${line.join(" ")}: ${problem}`];
      }),
    );
    assert.deepEqual(mistakes, []);
  });

  it("are checked for unknown commands, unknown options and missing arguments", () => {
    assert.match(problemOf(["plant"]) ?? "", /no such command/);
    assert.match(problemOf(["up", "--chekc"]) ?? "", /--chekc/);
    assert.match(problemOf(["add-peer", "nas", "--host"]) ?? "", /argument missing/);
    assert.match(problemOf(["qr"]) ?? "", /needs a name/);
    assert.deepEqual(commandLines("`npx wireguard-mesh up --yes  # x`, npx wireguard-mesh qr"), [
      ["up", "--yes"],
      ["qr"],
    ]);
    assert.deepEqual(commandLines("npx wireguard-mesh add-peer nas \\\n  --host 'a b'\n"), [
      ["add-peer", "nas", "--host", "a b"],
    ]);
  });

  it("name only npm scripts that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/npm run ([\w:-]+)/g)]);
    const unknown = named.map(([, name = ""]) => name).filter((name) => !(name in scripts));
    assert.deepEqual(unknown, []);
  });

  it("are all found from docs/README.md", () => {
    const index = linksIn("docs/README.md").map(({ file }) => file);
    const unlinked = PAGES.filter((page) => page.startsWith("docs/") && !index.includes(page));
    assert.deepEqual(unlinked, ["docs/README.md"]);
  });

  it("link to pages and headings that exist", () => {
    const broken = PAGES.flatMap((page) =>
      linksIn(page).flatMap(({ file, heading }) => {
        const isThere =
          fs.existsSync(path.join(ROOT, file)) &&
          (heading === undefined || headingsOf(file).includes(heading));
        return isThere ? [] : [`${page}: ${file}#${heading ?? ""}`];
      }),
    );
    assert.deepEqual(broken, []);
  });
});

/** The relative links of a page: `[text](target)`, also of pictures, and `[text]: target`. */
function linksIn(page: string): { file: string; heading: string | undefined }[] {
  const text = read(page).replaceAll(/^ *```.*?^ *```$/gms, "");
  const links = [
    ...text.matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g),
    ...text.matchAll(/^\[[^\]]+\]: (?!https?:)([^\s#]*)(?:#(\S+))?$/gm),
  ];
  return links.map(([, target = "", heading]) => ({
    file: target === "" ? page : path.join(path.dirname(page), target),
    heading,
  }));
}

function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}

/** The words after `npx wireguard-mesh`, up to a comment, a pipe or the end of the code. */
function commandLines(text: string): string[][] {
  const lines = text.replaceAll(/\\\n\s*/g, "").matchAll(/npx wireguard-mesh ([^`\n]*)/g);
  return [...lines].map(([, line = ""]) => {
    const words = line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
    const end = words.findIndex((word) => /^(#|\||;|>|<|&&|--$|…)/.test(word));
    return (end < 0 ? words : words.slice(0, end)).map((word) => word.replace(/^["']|["',]$/g, ""));
  });
}

/** Null for a line that the command accepts. */
function problemOf([name = "", ...words]: string[]): string | null {
  if (name === "" || name.startsWith("-")) return null;
  const command = commands
    .find((one) => one.name() === name)
    ?.configureOutput({ writeErr: () => undefined });
  if (command === undefined) return "no such command";
  try {
    const { operands, unknown } = command.parseOptions(words);
    if (unknown.length > 0) return `no option ${unknown.join(" ")}`;
    const isRequired = command.registeredArguments.some((argument) => argument.required);
    return isRequired && operands.length === 0 ? "needs a name" : null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The anchors of a page's headings. */
function headingsOf(page: string): string[] {
  const prose = read(page).replaceAll(/^```.*?^```$/gms, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
