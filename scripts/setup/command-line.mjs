// Parses the command line of the set-up. Pure.

/** @typedef {"unit" | "lab" | "vm"} Suite */

/**
 * @typedef {object} Request
 * @property {"lab" | "bench" | "test"} what
 * @property {boolean} mayInstall false with --no-install
 * @property {number | null} node the major version of Node to use; null: the running one if it is supported
 * @property {boolean} virtualMachines whether the lab's command boots virtual machines
 * @property {Selection} tests
 * @property {boolean} saveDurations whether to write the durations of test files to test/durations.json
 * @property {string[]} args passed on to the command of the lab or the bench, or to mocha
 */

/**
 * quick: the unit tests, and the lab's smoke test if this machine can run the lab; files: the files in `args`.
 * @typedef {"quick" | "all" | "files" | Suite} Selection
 */

export const USAGE = `Usage: node scripts/setup/run.mjs lab [--no-install] [--node MAJOR] [LAB ARGUMENTS]
       node scripts/setup/run.mjs bench [--no-install] [--node MAJOR] [BENCH ARGUMENTS]
       node scripts/setup/run.mjs test [--no-install] [--node MAJOR]
           [--all | --unit | --lab | --vm] [--save-durations] [MOCHA ARGUMENTS, TEST FILES]

Installs what is missing (npm packages, system packages, the engine), then starts the lab,
the bench or the tests. By default, test runs the unit tests and a smoke test in the lab.
  --all             run all tests
  --unit            run the unit tests
  --lab             run the lab's tests
  --vm              run the tests with virtual machines
  --no-install      do not install system packages; list the missing ones instead
  --node MAJOR      use this version of Node (22, 24 or 26); download it from the npm registry
                    if necessary
  --save-durations  write the duration of each test file to test/durations.json
`;

/** Flags of version 0.1.0. Mocha would ignore them and run other tests than intended. */
const REMOVED = ["--skip-lab", "--lab-only", "--vm-only"];

/** @type {Record<string, Selection>} */
const SELECTIONS = { "--all": "all", "--unit": "unit", "--lab": "lab", "--vm": "vm" };

/**
 * @param {string[]} argv without node and script
 * @returns {Request | null} null if invalid
 */
export function parseCommandLine([what, ...rest]) {
  if (what !== "lab" && what !== "bench" && what !== "test") return null;
  const { flags, values, args } = splitFlags(rest, what === "test" ? Object.keys(SELECTIONS) : []);
  const node = values.node === null ? null : Number(values.node);
  if (args.some((word) => REMOVED.includes(word))) return null;
  const selections = flags.filter((flag) => flag in SELECTIONS);
  if (selections.length > 1 || Number.isNaN(node)) return null;
  const [selection] = selections;
  const files = args.some(isTestPath);
  if (selection !== undefined && files) return null;
  return {
    what,
    mayInstall: !flags.includes("--no-install"),
    node,
    virtualMachines: what === "lab" && args.find((word) => !word.startsWith("-")) === "ec2",
    tests: files ? "files" : selection === undefined ? "quick" : (SELECTIONS[selection] ?? "quick"),
    saveDurations: flags.includes("--save-durations"),
    args,
  };
}

/**
 * Separates the set-up's own flags from other arguments. After `--` or `exec`, all arguments are part of a command in
 * the lab.
 * @param {string[]} args
 * @param {string[]} selections
 */
function splitFlags(args, selections) {
  const separator = args.findIndex((word) => word === "--" || word === "exec");
  const end = separator < 0 ? args.length : separator;
  const known = ["--no-install", "--save-durations", ...selections];
  /** @type {{ flags: string[], values: { node: string | null }, args: string[] }} */
  const split = { flags: [], values: { node: null }, args: [] };
  for (let at = 0; at < args.length; at++) {
    const word = String(args[at]);
    if (at < end && word.startsWith("--node=")) split.values.node = word.slice("--node=".length);
    else if (at < end && word === "--node") split.values.node = args[++at] ?? "";
    else if (at < end && known.includes(word)) split.flags.push(word);
    else split.args.push(word);
  }
  split.flags = [...new Set(split.flags)];
  return split;
}

/** @param {string} word an argument of mocha */
export function isTestPath(word) {
  return /^(\.\/)?test\//.test(word);
}

/** @param {string} file @returns {Suite} */
export function suiteOf(file) {
  const folder = file.match(/^(?:\.\/)?test\/([^/]+)\//)?.[1];
  return folder === "lab" || folder === "vm" ? folder : "unit";
}
