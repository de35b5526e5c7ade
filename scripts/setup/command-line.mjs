// What the set-up takes from the command line, and what it passes on untouched. Pure.

/**
 * @typedef {object} Request
 * @property {"lab" | "test"} what
 * @property {boolean} mayInstall false with --no-install
 * @property {"run" | "skip" | "leave out"} labTests skip: they count as skipped; leave out: not asked for
 * @property {boolean} vmTests those that boot virtual machines
 * @property {boolean} virtualMachines whether the lab's command boots one
 * @property {boolean} unitTests
 * @property {string[]} args for the lab's command, or for mocha
 */

export const USAGE = `Usage: node scripts/setup/run.mjs lab [--no-install] [ARGS of the lab …]
       node scripts/setup/run.mjs test [--no-install] [--unit | --lab-only | --skip-lab | --vm | --vm-only] [ARGS of mocha, test files …]

Sets up what is missing (npm packages, system packages, the engine), then starts the lab or the tests.
  --no-install  installs no system package: says what is missing instead
  --unit        the unit tests only
  --lab-only    the lab's tests only
  --skip-lab    as --unit, and the lab's tests count as skipped
  --vm          all of them, and those that boot virtual machines (some 20 minutes more)
  --vm-only     those alone
`;

/**
 * @param {string[]} argv without node and script
 * @returns {Request | null} null when it is no valid call
 */
export function parseCommandLine([what, ...rest]) {
  if (what === "lab") {
    const { taken, args } = take(rest, ["--no-install"]);
    return {
      ...{ what, mayInstall: taken.length === 0, labTests: "leave out", unitTests: false },
      ...{
        vmTests: false,
        virtualMachines: args.find((word) => !word.startsWith("-")) === "ec2",
        args,
      },
    };
  }
  if (what !== "test") return null;
  const { taken, args } = take(rest, ["--no-install", ...CHOICES]);
  const choices = taken.filter((flag) => flag !== "--no-install");
  if (choices.length > 1) return null;
  const suites = suitesOf(choices[0], args);
  return {
    what,
    mayInstall: !taken.includes("--no-install"),
    unitTests: suites.includes("unit"),
    labTests: choices[0] === "--skip-lab" ? "skip" : suites.includes("lab") ? "run" : "leave out",
    vmTests: suites.includes("vm"),
    virtualMachines: suites.includes("vm"),
    args,
  };
}

const CHOICES = ["--unit", "--lab-only", "--skip-lab", "--vm", "--vm-only"];

/** @typedef {"unit" | "lab" | "vm"} Suite */

/**
 * Test files that are named decide by themselves which suites run.
 * @param {string | undefined} choice
 * @param {string[]} args
 * @returns {Suite[]}
 */
function suitesOf(choice, args) {
  const files = args.filter(isTestFile);
  /** @type {Suite[]} */
  const wanted =
    choice === "--unit" || choice === "--skip-lab"
      ? ["unit"]
      : choice === "--lab-only"
        ? ["lab"]
        : choice === "--vm-only"
          ? ["vm"]
          : choice === "--vm" || files.length > 0
            ? ["unit", "lab", "vm"]
            : ["unit", "lab"];
  if (files.length === 0) return wanted;
  return wanted.filter((suite) => files.some((file) => suiteOf(file) === suite));
}

/**
 * Takes our own flags out; from `--` or `exec` on, the words belong to a command that runs in the lab.
 * @param {string[]} args
 * @param {string[]} flags
 */
function take(args, flags) {
  const border = args.findIndex((word) => word === "--" || word === "exec");
  const ours = border < 0 ? args : args.slice(0, border);
  return {
    taken: [...new Set(ours.filter((word) => flags.includes(word)))],
    args: [
      ...ours.filter((word) => !flags.includes(word)),
      ...(border < 0 ? [] : args.slice(border)),
    ],
  };
}

/** @param {string} word an argument for mocha */
export function isTestFile(word) {
  return /^(\.\/)?test\/.*\.ts$/.test(word);
}

/** @param {string} file @returns {Suite} */
export function suiteOf(file) {
  const folder = file.match(/^(?:\.\/)?test\/([^/]+)\//)?.[1];
  return folder === "lab" || folder === "vm" ? folder : "unit";
}
