// Which Pulumi CLIs are compatible with the program. Pure.

/** @typedef {[number, number, number]} Version */

/**
 * @param {string} text as `pulumi version` prints it, like `v3.250.0`; a suffix such as -alpha.1 is ignored
 * @returns {Version | null}
 */
export function parseVersion(text) {
  const match = text.trim().match(/^v?(\d+)\.(\d+)\.(\d+)(?:[-+]\S*)?$/);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : null;
}

/**
 * @param {Version} a
 * @param {Version} b
 * @returns {number} negative if a is older
 */
export function compareVersions(a, b) {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * A CLI is compatible if it has the SDK's major version and is not older: an older engine may lack requests of a newer
 * SDK, while Pulumi keeps newer CLIs compatible with older SDKs within a major version.
 * @param {string} version of the CLI
 * @param {string} sdk version of @pulumi/pulumi
 * @returns {string | null} the reason, to follow the CLI's path in a message; null if compatible
 */
export function incompatibility(version, sdk) {
  const cli = parseVersion(version);
  const oldest = parseVersion(sdk);
  if (cli === null || oldest === null) return `reports no valid version ("${version.trim()}")`;
  if (cli[0] !== oldest[0]) return `is ${cli.join(".")}, but the program needs Pulumi ${oldest[0]}`;
  if (compareVersions(cli, oldest) < 0)
    return `is ${cli.join(".")}, older than the program's SDK ${oldest.join(".")}`;
  return null;
}
