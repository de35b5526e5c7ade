// What the set-up takes from the command line, and what it passes on untouched. Pure.

/**
 * @typedef {object} Request
 * @property {"lab" | "test"} what
 * @property {boolean} mayInstall false with --no-install
 * @property {"run" | "skip" | "leave out"} labTests skip: they count as skipped; leave out: not asked for
 * @property {boolean} unitTests
 * @property {string[]} args for the lab's command, or for mocha
 */

export const USAGE = `Usage: node scripts/setup/run.mjs lab [--no-install] [ARGS of the lab …]
       node scripts/setup/run.mjs test [--no-install] [--unit | --lab-only | --skip-lab] [ARGS of mocha, test files …]

Sets up what is missing (npm packages, system packages, the engine), then starts the lab or the tests.
  --no-install  installs no system package: says what is missing instead
  --unit        the unit tests only
  --lab-only    the lab's tests only
  --skip-lab    as --unit, and the lab's tests count as skipped
`;

/**
 * @param {string[]} argv without node and script
 * @returns {Request | null} null when it is no valid call
 */
export function parseCommandLine([what, ...rest]) {
  if (what === "lab") {
    const { taken, args } = take(rest, ["--no-install"]);
    return { what, mayInstall: taken.length === 0, labTests: "leave out", unitTests: false, args };
  }
  if (what !== "test") return null;
  const { taken, args } = take(rest, ["--no-install", "--unit", "--lab-only", "--skip-lab"]);
  const choice = taken.filter((flag) => flag !== "--no-install");
  if (choice.length > 1) return null;
  const only = suiteOfFiles(args);
  return {
    what,
    mayInstall: !taken.includes("--no-install"),
    unitTests: choice[0] !== "--lab-only" && only !== "lab",
    labTests:
      choice[0] === "--skip-lab"
        ? "skip"
        : choice[0] === "--unit" || only === "unit"
          ? "leave out"
          : "run",
    args,
  };
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

/** @param {string} file */
export function isLabTest(file) {
  return /^(\.\/)?test\/lab\//.test(file);
}

/** Test files that are named decide by themselves which suite runs. @param {string[]} args @returns {"lab" | "unit" | "both"} */
function suiteOfFiles(args) {
  const files = args.filter(isTestFile);
  if (files.length === 0) return "both";
  if (files.every(isLabTest)) return "lab";
  return files.some(isLabTest) ? "both" : "unit";
}
