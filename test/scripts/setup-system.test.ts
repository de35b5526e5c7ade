/** Missing system and npm packages, and the environment of the lab and the tests. */
import assert from "node:assert/strict";
import { join } from "node:path";

const setup = join(__dirname, "../../scripts/setup");

/** Imports a module of the set-up, which is plain JavaScript. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

interface Need {
  tool: string;
  why: string;
  apt: string;
  dnf: string;
  apk: string;
}
type Family = "debian" | "fedora" | "alpine" | "other";
interface Distribution {
  name: string;
  family: Family;
}
interface SystemTools {
  toolsFor: (facts: {
    lab: boolean;
    tests: boolean;
    kernelHasWireguard: boolean;
    downloads: boolean;
  }) => Need[];
  distributionOf: (osRelease: string) => Distribution;
  packagesFor: (needs: Need[], family: Family) => string[];
  missingText: (
    missing: Need[],
    distribution: Distribution,
    circumstances: { isRoot: boolean; mayInstall: boolean },
  ) => string;
}

describe("set-up: system packages", () => {
  const osReleases: [text: string, expected: Distribution][] = [
    [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
      { name: "Debian GNU/Linux 12 (bookworm)", family: "debian" },
    ],
    ["ID=linuxmint\nID_LIKE='ubuntu debian'\n", { name: "linuxmint", family: "debian" }],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', { name: "rocky", family: "fedora" }],
    ["NAME=Alpine\nID=alpine\n", { name: "alpine", family: "alpine" }],
    ["ID=arch\n", { name: "arch", family: "other" }],
    ["", { name: "this system", family: "other" }],
  ];
  for (const [text, expected] of osReleases) {
    it(`detects ${expected.name} as ${expected.family}`, async () => {
      const { distributionOf } = await load<SystemTools>("system-tools.mjs");
      assert.deepEqual(distributionOf(text), expected);
    });
  }

  it("needs wireguard-go only without WireGuard in the kernel, and download tools only for a download", async () => {
    const { toolsFor } = await load<SystemTools>("system-tools.mjs");
    const names = (kernelHasWireguard: boolean, downloads: boolean) =>
      toolsFor({ lab: true, tests: false, kernelHasWireguard, downloads }).map((n) => n.tool);
    const base = names(true, false);
    assert.deepEqual(names(false, false), [...base, "wireguard-go"]);
    assert.deepEqual(
      names(true, true).filter((tool) => !base.includes(tool)),
      ["curl", "tar", "/etc/ssl/certs/ca-certificates.crt"],
    );
  });

  it("lists a tool that lab and tests share once", async () => {
    const { toolsFor } = await load<SystemTools>("system-tools.mjs");
    const facts = { lab: true, tests: true, kernelHasWireguard: true, downloads: false };
    const names = toolsFor(facts).map((one) => one.tool);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes("wg") && names.includes("shellcheck"));
  });

  const missing = ["ip", "ssh"];
  const texts: [
    what: string,
    distribution: Distribution,
    isRoot: boolean,
    mayInstall: boolean,
    text: string,
  ][] = [
    [
      "Debian, not root",
      { name: "Debian", family: "debian" },
      false,
      true,
      "(only root may install packages):\n  ip   needed for the lab's networks\n  ssh  needed for the push\n" +
        "  Install them with: sudo apt-get update && sudo apt-get install --no-install-recommends iproute2 openssh-client",
    ],
    [
      "Debian, --no-install",
      { name: "Debian", family: "debian" },
      true,
      false,
      "(--no-install was given):\n  ip   needed for the lab's networks\n  ssh  needed for the push\n" +
        "  Install them with: apt-get update && apt-get install --no-install-recommends iproute2 openssh-client",
    ],
    [
      "Fedora",
      { name: "Fedora 44", family: "fedora" },
      true,
      true,
      "(the set-up installs packages only on Debian and Ubuntu, and this is Fedora 44):\n  ip   needed for the lab's networks\n" +
        "  ssh  needed for the push\n  Install them with: dnf install iproute openssh-clients",
    ],
    [
      "Alpine",
      { name: "Alpine", family: "alpine" },
      true,
      true,
      "(the set-up installs packages only on Debian and Ubuntu, and this is Alpine):\n  ip   needed for the lab's networks\n" +
        "  ssh  needed for the push\n  Install them with: apk add iproute2 openssh-client",
    ],
  ];
  for (const [what, distribution, isRoot, mayInstall, text] of texts) {
    it(`lists missing programs and the install command: ${what}`, async () => {
      const { toolsFor, missingText } = await load<SystemTools>("system-tools.mjs");
      const needs = toolsFor({
        lab: true,
        tests: false,
        kernelHasWireguard: true,
        downloads: false,
      });
      assert.equal(
        missingText(
          needs.filter((one) => missing.includes(one.tool)),
          distribution,
          { isRoot, mayInstall },
        ),
        `These programs are missing, and nothing was installed ${text}`,
      );
    });
  }
});

describe("set-up: npm packages", () => {
  it("finds packages that are missing, changed or deleted, except optional ones", async () => {
    const { missingPackages } = await load<{
      missingPackages: (
        locked: object,
        recorded: object,
        exists: (path: string) => boolean,
      ) => string[];
    }>("npm-packages.mjs");
    const locked = {
      "": { version: "0.1.0" },
      "node_modules/same": { version: "1.0.0", integrity: "a" },
      "node_modules/older": { version: "2.0.0", integrity: "b" },
      "node_modules/other-content": { version: "1.0.0", integrity: "c" },
      "node_modules/absent": { version: "1.0.0" },
      "node_modules/deleted": { version: "1.0.0" },
      "node_modules/for-windows": { version: "1.0.0", optional: true },
    };
    const recorded = {
      "node_modules/same": { version: "1.0.0", integrity: "a" },
      "node_modules/older": { version: "1.9.0", integrity: "x" },
      "node_modules/other-content": { version: "1.0.0", integrity: "y" },
      "node_modules/deleted": { version: "1.0.0" },
    };
    assert.deepEqual(
      missingPackages(locked, recorded, (path) => path !== "node_modules/deleted"),
      ["older", "other-content", "absent", "deleted"].map((name) => `node_modules/${name}`),
    );
  });
});

describe("set-up: environment of lab and tests", () => {
  interface Environment {
    preparedEnvironment: (user: NodeJS.ProcessEnv, facts: object) => NodeJS.ProcessEnv;
  }
  const facts = { root: "/p", standInFolder: "/p/stand-in", nodeFolder: "/p/.setup/node" };
  const npm = "/p/node_modules/.bin:/cache/npx/node_modules/.bin";
  const user = { PATH: `${npm}:/p/stand-in:/usr/bin:/bin`, LANG: "C" };
  const system = `/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:${npm}`;
  const path = async (engine: object | null, plugin: string | null) => {
    const { preparedEnvironment } = await load<Environment>("environment.mjs");
    return preparedEnvironment(user, { ...facts, engine, plugin });
  };
  const installed = { folder: "/home/u/.pulumi/versions/3.250.0/bin", addToPath: true };

  it("puts the chosen Node first on PATH, then the installed engine, and npm's folders last", async () => {
    assert.equal(
      (await path(installed, "real"))["PATH"],
      `/p/.setup/node:${installed.folder}:${system}`,
    );
  });

  it("keeps the place of an engine on PATH; npm's wrapper does not hide it", async () => {
    const engine = { folder: "/usr/bin", addToPath: false };
    assert.equal((await path(engine, "real"))["PATH"], `/p/.setup/node:${system}`);
  });

  it("adds the stand-in to PATH and disables plugin downloads only if the stand-in is used", async () => {
    const withStandIn = await path(installed, "stand-in");
    assert.equal(withStandIn["PATH"], `/p/.setup/node:/p/stand-in:${installed.folder}:${system}`);
    assert.equal(withStandIn["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
    const withReal = await path(installed, "real");
    assert.equal(withReal["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], undefined);
    assert.equal(withReal["PULUMI_SKIP_UPDATE_CHECK"], "true");
    assert.equal(withReal["LANG"], "C");
    assert.equal(withReal["NODE_COMPILE_CACHE"], "/p/.setup/compile-cache");
  });
});
