/** Checks the version of Node. */
import { Failure } from "../stack/failure";

/** The same as `engines` in package.json. */
const OLDEST = [22, 12];

/** @throws Failure on a version (`22.12.0`) that is too old. */
export function checkNodeVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new Failure(
    `this is Node ${version}, and wireguard-mesh needs ${OLDEST.join(".")} or newer`,
    "install Node 24, e.g. from nodejs.org, or with a version manager: nvm install 24",
  );
}
