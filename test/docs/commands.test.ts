/** The README and docs/ name commands, options, npm scripts and pages that exist. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Command } from "commander";
import { addPeerCommand } from "../../scripts/commands/add-peer";
import { completionCommand } from "../../scripts/commands/completion";
import { configCommand } from "../../scripts/commands/config";
import { handOverCommand } from "../../scripts/commands/hand-over";
import { initCommand } from "../../scripts/commands/init";
import { keygenCommand } from "../../scripts/commands/keygen";
import { planCommand } from "../../scripts/commands/plan";
import { previewCommand } from "../../scripts/commands/preview";
import { qrCommand } from "../../scripts/commands/qr";
import { removePeerCommand } from "../../scripts/commands/remove-peer";
import { repushCommand } from "../../scripts/commands/repush";
import { rotateCommand } from "../../scripts/commands/rotate";
import { statusCommand } from "../../scripts/commands/status";
import { upCommand } from "../../scripts/commands/up";

const ROOT = path.join(__dirname, "../..");
const PAGES = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md"],
  ...fs.readdirSync(path.join(ROOT, "docs")).map((page) => path.join("docs", page)),
];

const COMMANDS: Record<string, () => Command> = {
  "add-peer": addPeerCommand,
  completion: completionCommand,
  config: configCommand,
  "hand-over": handOverCommand,
  init: initCommand,
  keygen: keygenCommand,
  plan: planCommand,
  preview: previewCommand,
  qr: qrCommand,
  "remove-peer": removePeerCommand,
  repush: repushCommand,
  rotate: rotateCommand,
  status: statusCommand,
  up: upCommand,
};

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

  it("find what is wrong with a command line", () => {
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

  it("link to pages and headings that exist", () => {
    const broken = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)\s]*?)(?:#([^)\s]+))?\)/g)].flatMap(
        ([, target = "", heading]) => {
          const file = target === "" ? page : path.join(path.dirname(page), target);
          const isThere =
            fs.existsSync(path.join(ROOT, file)) &&
            (heading === undefined || headingsOf(file).includes(heading));
          return isThere ? [] : [`${page}: ${target}#${heading ?? ""}`];
        },
      ),
    );
    assert.deepEqual(broken, []);
  });
});

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
  const command = COMMANDS[name]?.().configureOutput({ writeErr: () => undefined });
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

/** Of a page's headings, the parts of links that lead to them. */
function headingsOf(page: string): string[] {
  const prose = read(page).replaceAll(/^```.*?^```$/gms, "");
  return [...prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
