// Which Pulumi CLIs fit the program. Pure.

/** @typedef {[number, number, number]} Version */

/**
 * @param {string} text like `v3.250.0`, as `pulumi version` prints it; a suffix such as -alpha.1 is left aside
 * @returns {Version | null}
 */
export function parseVersion(text) {
  const match = text.trim().match(/^v?(\d+)\.(\d+)\.(\d+)(?:[-+]\S*)?$/);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : null;
}

/**
 * @param {Version} a
 * @param {Version} b
 * @returns {number} negative when a is the older one
 */
export function compareVersions(a, b) {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * A CLI fits when it is not older than the SDK that the program uses (an older engine need not know every request
 * of a newer SDK) and of the same major version (within which Pulumi keeps newer CLIs compatible with older SDKs).
 * @param {string} version of the CLI
 * @param {string} sdk version of @pulumi/pulumi
 * @returns {string | null} null when it fits, else why it does not
 */
export function incompatibility(version, sdk) {
  const cli = parseVersion(version);
  const least = parseVersion(sdk);
  if (cli === null || least === null) return `does not tell its version ("${version.trim()}")`;
  if (cli[0] !== least[0])
    return `is ${cli.join(".")}, and the program is written for Pulumi ${least[0]}`;
  if (compareVersions(cli, least) < 0)
    return `is ${cli.join(".")}, older than the program's SDK ${least.join(".")}`;
  return null;
}
