/** Which engine the set-up takes, and how Go gets to build it. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const setup = join(__dirname, "../../scripts/setup");

/** The set-up is plain JavaScript that needs no npm package, so it is loaded as it is. */
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

describe("set-up: which engine fits", () => {
  const cases: [version: string, why: string | null][] = [
    ["v3.248.0", null],
    ["v3.250.0\n", null],
    ["3.323.1", null],
    ["v3.251.0-alpha.1+dirty", null],
    ["v3.247.9", "is 3.247.9, older than the program's SDK 3.248.0"],
    ["v3.99.0", "is 3.99.0, older than the program's SDK 3.248.0"],
    ["v2.30.0", "is 2.30.0, and the program is written for Pulumi 3"],
    ["v4.0.0", "is 4.0.0, and the program is written for Pulumi 3"],
    ["", 'does not tell its version ("")'],
  ];
  for (const [version, why] of cases) {
    it(`${JSON.stringify(version)}: ${why ?? "fits"}`, async () => {
      const { incompatibility } = await load<{
        incompatibility: (cli: string, sdk: string) => string | null;
      }>("engine-version.mjs");
      assert.equal(incompatibility(version, "3.248.0"), why);
    });
  }

  it("the Go module builds the version of the SDK", () => {
    const { dependencies } = JSON.parse(
      readFileSync(join(setup, "../../package.json"), "utf8"),
    ) as { dependencies: Record<string, string> };
    const goMod = readFileSync(join(setup, "engine/cli/go.mod"), "utf8");
    const [, built] = /github\.com\/pulumi\/pulumi\/pkg\/v3 v(\S+)/.exec(goMod) ?? [];
    assert.equal(built, dependencies["@pulumi/pulumi"]);
  });
});

describe("set-up: how a Go gets to build the engine", () => {
  const cases: [here: string, way: string][] = [
    ["1.26.8", "as it is"],
    ["1.25.11", "as it is"],
    ["1.27rc1", "as it is"],
    ["1.25.10", "by itself"],
    ["1.24", "by itself"],
    ["1.21.0", "by itself"],
    ["1.19.8", "as a module"],
  ];
  for (const [here, way] of cases) {
    it(`Go ${here}: ${way}`, async () => {
      const { toolchainSource } = await load<{
        toolchainSource: (here: string, needed: string) => string;
      }>("go-toolchain.mjs");
      assert.equal(toolchainSource(here, "1.25.11"), way);
    });
  }

  it("the user's settings for Go do not reach the build", async () => {
    const { buildEnvironment } = await load<{
      buildEnvironment: (user: NodeJS.ProcessEnv, toolchain: object) => NodeJS.ProcessEnv;
    }>("build-with-go.mjs");
    const user = { HOME: "/home/u", GOFLAGS: "-mod=mod", GOPROXY: "https://proxy.example" };
    const env = buildEnvironment(user, { GOTOOLCHAIN: "local" });
    assert.equal(env["GOFLAGS"], "-mod=readonly -buildvcs=false");
    assert.equal(env["GOTOOLCHAIN"], "local");
    assert.equal(env["GOPROXY"], "https://proxy.example", "where modules come from is the user's");
    assert.notEqual(buildEnvironment({}, {})["HOME"], "", "Go refuses to work without a HOME");
  });
});

describe("set-up: finding the engine", () => {
  interface Engines {
    findEngine: (root: string) => Promise<{ engine: object | null; refused: string | null }>;
  }
  const saved = { PATH: process.env["PATH"], PULUMI_HOME: process.env["PULUMI_HOME"] };
  const bin = () => join(folder, "bin");
  const ours = () => join(folder, "home", "versions", "3.248.0", "bin");
  const find = async () => (await load<Engines>("engine.mjs")).findEngine(folder);

  beforeEach(() => {
    const sdk = join(folder, "node_modules", "@pulumi/pulumi");
    mkdirSync(sdk, { recursive: true });
    writeFileSync(join(sdk, "package.json"), JSON.stringify({ version: "3.248.0" }));
    // npm puts the wrapper first on PATH; it must never be taken for an engine.
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
    program(join(where, "pulumi"), `echo asked >> ${folder}/asked; echo ${version}`);
    program(join(where, "pulumi-language-nodejs"), "exit 0");
  };

  it("finds none where there is none", async () => {
    assert.deepEqual(await find(), { engine: null, refused: null });
  });

  it("takes a suitable one on PATH before our own", async () => {
    install(bin(), "v3.260.0");
    install(ours(), "v3.248.0");
    const engine = { folder: bin(), version: "v3.260.0", addToPath: false };
    assert.deepEqual(await find(), { engine, refused: null });
  });

  it("takes our own when the one on PATH is too old, and says why", async () => {
    install(bin(), "v3.100.0");
    install(ours(), "v3.248.0");
    assert.deepEqual(await find(), {
      engine: { folder: ours(), version: "v3.248.0", addToPath: true },
      refused: `${bin()}/pulumi is 3.100.0, older than the program's SDK 3.248.0`,
    });
  });

  it("takes none without its language host", async () => {
    install(ours(), "v3.248.0");
    rmSync(join(ours(), "pulumi-language-nodejs"));
    assert.deepEqual(await find(), { engine: null, refused: null });
  });

  it("asks for the version once, and again when the engine was replaced", async () => {
    const asked = () => readFileSync(join(folder, "asked"), "utf8").split("asked").length - 1;
    install(ours(), "v3.248.0");
    await find();
    await find();
    assert.equal(asked(), 1);
    install(ours(), "v3.99.0-replaced");
    assert.equal((await find()).engine, null);
    assert.equal(asked(), 2);
  });

  it("sees that the engine has vanished", async () => {
    install(ours(), "v3.248.0");
    assert.notEqual((await find()).engine, null);
    rmSync(ours(), { recursive: true });
    assert.equal((await find()).engine, null);
  });
});
