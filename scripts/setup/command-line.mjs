// What the set-up takes from the command line, and what it passes on untouched. Pure.

/** @typedef {"unit" | "lab" | "vm"} Suite */

/**
 * @typedef {object} Request
 * @property {"lab" | "test"} what
 * @property {boolean} mayInstall false with --no-install
 * @property {number | null} node the major version of Node to run on; null: the running one, where it is new enough
 * @property {boolean} virtualMachines whether the lab's command boots one
 * @property {Selection} tests which tests run
 * @property {boolean} saveDurations whether the durations of test files are written into the repository
 * @property {string[]} args for the lab's command, or for mocha
 */

/**
 * `quick`: the unit tests, and the lab's smoke test where the machine can run a lab. `files`: those in `args`.
 * @typedef {"quick" | "all" | "files" | Suite} Selection
 */

export const USAGE = `Usage: node scripts/setup/run.mjs lab [--no-install] [--node MAJOR] [ARGS of the lab …]
       node scripts/setup/run.mjs test [--no-install] [--node MAJOR] [--all | --unit | --lab | --vm] [ARGS of mocha, test files …]

Sets up what is missing (npm packages, system packages, the engine), then starts the lab or the tests.
Without a choice, the tests are the unit tests and a smoke test in the lab.
  --all             every test: unit, lab, virtual machines
  --unit            the unit tests
  --lab             the lab's tests
  --vm              the tests that boot virtual machines
  --no-install      installs no system package: says what is missing instead
  --node MAJOR      runs on that version of Node (22, 24 or 26), fetched from the npm registry where it is not here
  --save-durations  writes how long each test file took to test/durations.json
`;

/** @type {Record<string, Selection>} */
const SELECTIONS = { "--all": "all", "--unit": "unit", "--lab": "lab", "--vm": "vm" };

/**
 * @param {string[]} argv without node and script
 * @returns {Request | null} null when it is no valid call
 */
export function parseCommandLine([what, ...rest]) {
  if (what !== "lab" && what !== "test") return null;
  const { flags, values, args } = take(rest, what === "lab" ? [] : Object.keys(SELECTIONS));
  const node = values.node === null ? null : Number(values.node);
  const selections = flags.filter((flag) => flag in SELECTIONS);
  if (selections.length > 1 || Number.isNaN(node)) return null;
  const [selection] = selections;
  const files = args.some(isTestFile);
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
 * Takes the set-up's own flags out; from `--` or `exec` on, the words belong to a command that runs in the lab.
 * @param {string[]} words
 * @param {string[]} selections
 */
function take(words, selections) {
  const border = words.findIndex((word) => word === "--" || word === "exec");
  const end = border < 0 ? words.length : border;
  const known = ["--no-install", "--save-durations", ...selections];
  /** @type {{ flags: string[], values: { node: string | null }, args: string[] }} */
  const taken = { flags: [], values: { node: null }, args: [] };
  for (let at = 0; at < words.length; at++) {
    const word = String(words[at]);
    if (at < end && word === "--node") taken.values.node = words[++at] ?? "";
    else if (at < end && known.includes(word)) taken.flags.push(word);
    else taken.args.push(word);
  }
  taken.flags = [...new Set(taken.flags)];
  return taken;
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
