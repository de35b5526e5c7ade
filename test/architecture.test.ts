/** The layout: which folder may import which and why, what no file contains, and the pinned versions. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import path from "node:path";
import ts from "typescript";
import { placesOf, sourceFiles, type SourceFile } from "./support/source-files";

const ROOT = path.join(__dirname, "..");

const isPulumi = (target: string) => target.startsWith("@pulumi/");
const isBuiltin = (target: string) => builtinModules.includes(target.replace(/^node:/, ""));
const isPackage = (target: string) => !/\.(ts|mjs|js|json)$/.test(target) && !isBuiltin(target);
const isUnder =
  (...folders: string[]) =>
  (target: string) =>
    folders.some((folder) => target.startsWith(folder));

const providers = ["provider/", "command-plugin/", "aws-plugin/"].map((it) => `scripts/lab/${it}`);

interface ForbiddenEdge {
  from: (file: string) => boolean;
  to: (target: string) => boolean;
  reason: string;
}

const forbidden: Record<string, ForbiddenEdge> = {
  "mesh/ and scripts/ -> @pulumi/*": {
    // The lab's stand-ins are providers themselves, and run in their own processes.
    from: (file) => isUnder("mesh/", "scripts/")(file) && !isUnder(...providers)(file),
    to: isPulumi,
    reason:
      "everything but components/ and index.ts is tested, and used by the commands, without the engine",
  },
  "mesh/ -> Node": {
    from: isUnder("mesh/"),
    to: isBuiltin,
    reason: "the same config gives the same plan: no files, no clock, no randomness, no network",
  },
  "mesh/ -> components/, scripts/, test/, index.ts": {
    from: isUnder("mesh/"),
    to: isUnder("components/", "scripts/", "test/", "index.ts"),
    reason: "the core can be read, tested and reused by itself",
  },
  "mesh/config -> mesh/plan, mesh/render": {
    from: isUnder("mesh/config/"),
    to: isUnder("mesh/plan/", "mesh/render/"),
    reason: "config, plan, render: each uses only the ones before it",
  },
  "mesh/plan -> mesh/render": {
    from: isUnder("mesh/plan/"),
    to: isUnder("mesh/render/"),
    reason: "the plan has neither texts nor secrets",
  },
  "mesh/config, mesh/plan, mesh/render, mesh/host -> mesh/review": {
    from: isUnder("mesh/config/", "mesh/plan/", "mesh/render/", "mesh/host/"),
    to: isUnder("mesh/review/"),
    reason: "a review compares what they have made, and changes none of it",
  },
  "the rest of mesh/ -> mesh/import": {
    from: (file) => isUnder("mesh/")(file) && !isUnder("mesh/import/")(file),
    to: isUnder("mesh/import/"),
    reason: "an import uses the whole core, and no plan or push depends on one",
  },
  "mesh/config, mesh/plan, mesh/render, mesh/host, mesh/review -> mesh/graph": {
    from: isUnder("mesh/config/", "mesh/plan/", "mesh/render/", "mesh/host/", "mesh/review/"),
    to: isUnder("mesh/graph/"),
    reason: "a picture shows what they have made, and changes none of it",
  },
  "components/ -> scripts/, test/, index.ts": {
    from: isUnder("components/"),
    to: isUnder("scripts/", "test/", "index.ts"),
    reason: "the program that the engine runs depends only on the core",
  },
  "scripts/ -> components/, index.ts": {
    from: isUnder("scripts/"),
    to: isUnder("components/", "index.ts"),
    reason: "the commands use the engine through its CLI, so that there is one program",
  },
  "scripts/stack -> scripts/commands, scripts/cli": {
    from: isUnder("scripts/stack/"),
    to: isUnder("scripts/commands/", "scripts/cli/"),
    reason: "what commands share must not depend on one of them, nor on how results are printed",
  },
  "the program and its tools -> test/": {
    from: (file) => !file.startsWith("test/"),
    to: isUnder("test/"),
    reason: "production code does not depend on tests",
  },
  "scripts/setup -> npm packages": {
    from: isUnder("scripts/setup/"),
    to: isPackage,
    reason: "set-up runs in a fresh clone, before packages are installed",
  },
};

describe("imports", () => {
  for (const [edge, { from, to, reason }] of Object.entries(forbidden)) {
    it(`never go ${edge}: ${reason}`, () => {
      const sources = sourceFiles.filter((file) => from(file.path));
      assert.notEqual(sources.length, 0, "no file matches the rule");
      const targets = sourceFiles.flatMap((file) => [file.path, ...file.imports]);
      assert.ok(targets.some(to), "nothing exists that the rule forbids");
      const broken = sources.flatMap((file) =>
        file.imports.filter(to).map((target) => `${file.path} -> ${target}`),
      );
      assert.deepEqual(broken, []);
    });
  }

  it("never go from one command to another: what two commands need belongs in scripts/stack, so that each can be changed independently", () => {
    const sources = sourceFiles.filter((file) => commandOf(file.path) !== null);
    assert.notEqual(sources.length, 0, "no file matches the rule");
    const broken = sources.flatMap((file) =>
      file.imports
        .filter((target) => ![null, commandOf(file.path)].includes(commandOf(target)))
        .map((target) => `${file.path} -> ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  it("have no cycle in mesh/, components/, scripts/stack and scripts/commands", () => {
    const folders = isUnder("mesh/", "components/", "scripts/stack/", "scripts/commands/");
    assert.deepEqual(cycles(sourceFiles.filter((file) => folders(file.path))), []);
  });
});

describe("source files", () => {
  const shipped = sourceFiles.filter((file) => !file.path.startsWith("test/"));
  const core = shipped.filter((file) => isUnder("mesh/", "components/", "index.ts")(file.path));

  it("are short: 250 lines, tests 300", () => {
    const long = sourceFiles.filter(({ path: file, text }) => {
      return text.split("\n").length - 1 > (file.startsWith("test/") ? 300 : 250);
    });
    assert.deepEqual(
      long.map((file) => file.path),
      [],
    );
  });

  it("are named by their content: no utils, helpers, common or misc", () => {
    const vague = /(^|[/-])(utils?|helpers?|common|misc)([.-]|\/|$)/;
    assert.deepEqual(
      sourceFiles.map((file) => file.path).filter((file) => vague.test(file)),
      [],
    );
  });

  it("of the core begin with a description", () => {
    const undescribed = core.filter(({ text }) => !/^\/\*\*\s+(\* )?[A-Z]/.test(text));
    assert.deepEqual(
      undescribed.map((file) => file.path),
      [],
    );
  });

  it("contain no `any` and no non-null `!`", () => {
    const loose = sourceFiles.flatMap((file) =>
      placesOf(file, (node) => {
        return node.kind === ts.SyntaxKind.AnyKeyword || ts.isNonNullExpression(node);
      }),
    );
    assert.deepEqual(loose, []);
  });

  it("of mesh/ use no clock, randomness or environment", () => {
    const impure =
      /^(Math\.random|Date\.now|performance\b.*|process\b.*|globalThis\b.*|crypto\b.*)$/;
    const places = core
      .filter((file) => file.path.startsWith("mesh/"))
      .flatMap((file) =>
        placesOf(file, (node) => {
          if (ts.isNewExpression(node)) {
            return node.expression.getText() === "Date" && node.arguments?.length === 0;
          }
          const named = ts.isPropertyAccessExpression(node) || ts.isCallExpression(node);
          return named && impure.test(node.expression.getText() + nameOf(node));
        }),
      );
    assert.deepEqual(places, []);
  });
});

describe("pinned versions", () => {
  const pins = {
    "@pulumi/pulumi": [
      "3.276.0",
      "the engine has the same version, and its Go module exists for a few versions only; not 3.259, which ends the program when an update fails under --continue-on-error",
    ],
    "@pulumi/command": ["1.2.1", "npm also has 4.5.0, an old release without hostKey and logging"],
    typescript: ["6.0.3", "@pulumi/pulumi takes none from 7 on (its peerDependencies)"],
    pulumi: ["3.265.0", "npm's newest; it downloads the version in PULUMI_VERSION"],
    "@types/node": ["22.20.7", "the oldest Node that is supported: nothing newer may be used"],
    "google-protobuf": ["3.21.4", "@pulumi/pulumi's own messages are made with 3"],
  } as const;
  const manifest = readJson("package.json") as Record<string, Record<string, string> | undefined>;
  const lock = readJson("package-lock.json") as { packages: Record<string, { version?: string }> };

  for (const [name, [version, reason]] of Object.entries(pins)) {
    it(`${name} ${version}: ${reason}`, () => {
      const asked = manifest["dependencies"]?.[name] ?? manifest["devDependencies"]?.[name];
      assert.equal(asked, version);
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version);
    });
  }

  it("all versions are exact, so that npm ci and npm install give the same", () => {
    const asked = { ...manifest["dependencies"], ...manifest["devDependencies"] };
    const loose = Object.entries(asked).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    assert.deepEqual(loose, []);
  });
});

/** `up` for scripts/commands/up.ts and for every file below scripts/commands/up/; null outside of scripts/commands. */
function commandOf(file: string): string | null {
  return /^scripts\/commands\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(file)?.[1] ?? null;
}

/** Each cycle once, as the files in it. */
function cycles(files: SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const clear = new Set<string>();
  const walk = (file: string, way: string[]): string[] => {
    if (way.includes(file)) return [[...way.slice(way.indexOf(file)), file].join(" -> ")];
    if (clear.has(file)) return [];
    const found = (byPath.get(file)?.imports ?? []).flatMap((next) => walk(next, [...way, file]));
    clear.add(file);
    return found;
  };
  return files.flatMap((file) => walk(file.path, []));
}

function nameOf(node: ts.Node): string {
  return ts.isPropertyAccessExpression(node) ? `.${node.name.text}` : "";
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(ROOT, file), "utf8"));
}
