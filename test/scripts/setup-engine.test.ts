/** Which engine the set-up uses, and which Go toolchain builds it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const setup = join(__dirname, "../../scripts/setup");

/** Imports a module of the set-up, which is plain JavaScript. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function program(path: string, text: string) {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

describe("set-up: compatible engines", () => {
  const cases: [version: string, why: string | null][] = [
    ["v3.248.0", null],
    ["v3.250.0\n", null],
    ["3.323.1", null],
    ["v3.251.0-alpha.1+dirty", null],
    ["v3.247.9", "is 3.247.9, older than the program's SDK 3.248.0"],
    ["v3.99.0", "is 3.99.0, older than the program's SDK 3.248.0"],
    ["v2.30.0", "is 2.30.0, but the program needs Pulumi 3"],
    ["v4.0.0", "is 4.0.0, but the program needs Pulumi 3"],
    ["", 'reports no valid version ("")'],
  ];
  for (const [version, why] of cases) {
    it(`${JSON.stringify(version)}: ${why ?? "is compatible"}`, async () => {
      const { incompatibility } = await load<{
        incompatibility: (cli: string, sdk: string) => string | null;
      }>("engine-version.mjs");
      assert.equal(incompatibility(version, "3.248.0"), why);
    });
  }

  it("builds the SDK's version with Go", () => {
    const { dependencies } = JSON.parse(
      readFileSync(join(setup, "../../package.json"), "utf8"),
    ) as { dependencies: Record<string, string> };
    const goMod = readFileSync(join(setup, "engine/cli/go.mod"), "utf8");
    const [, built] = /github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/.exec(goMod) ?? [];
    assert.equal(built, dependencies["@pulumi/pulumi"]);
  });
});

describe("set-up: the Go toolchain", () => {
  const cases: [installed: string, source: string][] = [
    ["1.26.8", "installed"],
    ["1.25.11", "installed"],
    ["1.27rc1", "installed"],
    ["1.25.10", "automatic"],
    ["1.24", "automatic"],
    ["1.21.0", "automatic"],
    ["1.19.8", "module"],
  ];
  for (const [installed, source] of cases) {
    it(`for Go ${installed}: ${source}`, async () => {
      const { toolchainSource } = await load<{
        toolchainSource: (installed: string, needed: string) => string;
      }>("go-toolchain.mjs");
      assert.equal(toolchainSource(installed, "1.25.11"), source);
    });
  }

  it("ignores the user's Go settings, except GOPROXY", async () => {
    const { buildEnvironment } = await load<{
      buildEnvironment: (user: NodeJS.ProcessEnv, toolchain: object) => NodeJS.ProcessEnv;
    }>("build-with-go.mjs");
    const user = { HOME: "/home/u", GOFLAGS: "-mod=mod", GOPROXY: "https://proxy.example" };
    const env = buildEnvironment(user, { GOTOOLCHAIN: "local" });
    assert.equal(env["GOFLAGS"], "-mod=readonly -buildvcs=false");
    assert.equal(env["GOTOOLCHAIN"], "local");
    assert.equal(
      env["GOPROXY"],
      "https://proxy.example",
      "the user decides where modules come from",
    );
    assert.notEqual(buildEnvironment({}, {})["HOME"], "", "Go fails without HOME");
  });
});

describe("set-up: finding the engine", () => {
  interface Engines {
    findEngine: (root: string) => Promise<{ engine: object | null; rejected: string | null }>;
  }
  const saved = { PATH: process.env["PATH"], PULUMI_HOME: process.env["PULUMI_HOME"] };
  const bin = () => join(folder, "bin");
  const home = () => join(folder, "home", "versions", "3.248.0", "bin");
  const find = async () => (await load<Engines>("engine.mjs")).findEngine(folder);

  beforeEach(() => {
    const sdk = join(folder, "node_modules", "@pulumi/pulumi");
    mkdirSync(sdk, { recursive: true });
    writeFileSync(join(sdk, "package.json"), JSON.stringify({ version: "3.248.0" }));
    // npm puts its wrapper `pulumi` first on PATH; it is not an engine.
    const npmBin = join(folder, "node_modules", ".bin");
    program(join(npmBin, "pulumi"), "exit 9");
    process.env["PATH"] = [npmBin, bin(), "/usr/bin", "/bin"].join(":");
    process.env["PULUMI_HOME"] = join(folder, "home");
  });
  afterEach(() => {
    for (const [name, value] of Object.entries(saved)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });
  const install = (where: string, version: string) => {
    program(join(where, "pulumi"), `echo run >> ${folder}/runs; echo ${version}`);
    program(join(where, "pulumi-language-nodejs"), "exit 0");
  };

  it("finds no engine if none is installed", async () => {
    assert.deepEqual(await find(), { engine: null, rejected: null });
  });

  it("prefers a compatible engine on PATH", async () => {
    install(bin(), "v3.260.0");
    install(home(), "v3.248.0");
    const engine = { folder: bin(), version: "v3.260.0", addToPath: false };
    assert.deepEqual(await find(), { engine, rejected: null });
  });

  it("uses the one in PULUMI_HOME if the one on PATH is too old, and gives the reason", async () => {
    install(bin(), "v3.100.0");
    install(home(), "v3.248.0");
    assert.deepEqual(await find(), {
      engine: { folder: home(), version: "v3.248.0", addToPath: true },
      rejected: `${bin()}/pulumi is 3.100.0, older than the program's SDK 3.248.0`,
    });
  });

  it("ignores an engine without its language host", async () => {
    install(home(), "v3.248.0");
    rmSync(join(home(), "pulumi-language-nodejs"));
    assert.deepEqual(await find(), { engine: null, rejected: null });
  });

  it("runs `pulumi version` once, and again after the engine was replaced", async () => {
    const runs = () => readFileSync(join(folder, "runs"), "utf8").split("run").length - 1;
    install(home(), "v3.248.0");
    await find();
    await find();
    assert.equal(runs(), 1);
    install(home(), "v3.99.0-replaced");
    assert.equal((await find()).engine, null);
    assert.equal(runs(), 2);
  });

  it("detects that the engine was removed", async () => {
    install(home(), "v3.248.0");
    assert.notEqual((await find()).engine, null);
    rmSync(home(), { recursive: true });
    assert.equal((await find()).engine, null);
  });
});

describe("set-up: `npx pulumi`", () => {
  it("is the npm wrapper, set to run the engine of the SDK's version", () => {
    const { version } = JSON.parse(
      readFileSync(join(setup, "../../node_modules/@pulumi/pulumi/package.json"), "utf8"),
    ) as { version: string };
    program(join(folder, "versions", version, "bin", "pulumi"), 'echo "engine: $*"');
    const launcher = join(setup, "pulumi.mjs");
    const env = { ...process.env, PULUMI_HOME: folder, PULUMI_VERSION: "" };
    const run = spawnSync(process.execPath, [launcher, "up", "--yes"], { env, encoding: "utf8" });
    assert.equal(run.stdout, "engine: up --yes\n", run.stderr);
  });

  it("replaces the wrapper's own link, and `npx wireguard-mesh` gets a link too", async () => {
    const { linkCommands, isLinked } = await load<{
      linkCommands: (root: string) => void;
      isLinked: (root: string) => boolean;
    }>("link-command.mjs");
    const bin = join(folder, "node_modules", ".bin");
    mkdirSync(bin, { recursive: true });
    symlinkSync("../pulumi/run.js", join(bin, "pulumi"));
    assert.equal(isLinked(folder), false);
    linkCommands(folder);
    assert.equal(isLinked(folder), true);
    assert.equal(readlinkSync(join(bin, "pulumi")), "../../scripts/setup/pulumi.mjs");
    assert.equal(readlinkSync(join(bin, "wireguard-mesh")), "../../dist/scripts/wireguard-mesh.js");
  });
});

describe("set-up: Pulumi's packages", () => {
  it("do not make the engine download the plugin for EC2, but the one for pushes", async () => {
    const { loadOnDemand } = await load<{ loadOnDemand: (root: string) => void }>(
      "plugins-on-demand.mjs",
    );
    const aws = join(folder, "node_modules/@pulumi/aws");
    mkdirSync(aws, { recursive: true });
    const manifest = { version: "7.48.0", pulumi: { resource: true, name: "aws" } };
    writeFileSync(join(aws, "package.json"), JSON.stringify(manifest));
    linkSync(join(aws, "package.json"), join(folder, "copy"));
    loadOnDemand(folder);
    loadOnDemand(folder);
    const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as unknown;
    assert.deepEqual(read(join(aws, "package.json")), {
      version: "7.48.0",
      pulumi: { resource: false, name: "aws" },
    });
    assert.deepEqual(read(join(folder, "copy")), manifest);
  });

  it("are like that here, since `npm ci`", () => {
    const packages = join(setup, "../../node_modules/@pulumi");
    const withPlugin = readdirSync(packages).filter((name) => {
      const text = readFileSync(join(packages, name, "package.json"), "utf8");
      return (JSON.parse(text) as { pulumi?: { resource?: boolean } }).pulumi?.resource === true;
    });
    assert.deepEqual(withPlugin, ["command"]);
  });
});
