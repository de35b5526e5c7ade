/** Reads this machine's apt configuration: its sources of Debian packages and how to reach them. */
import { runOrThrow } from "../process";
import { SUITE } from "./recipe";

/**
 * The Debian 12 sources of this machine's apt, as lines of a sources.list. Empty if there are none (another release or
 * distribution); mmdebstrap then uses its default.
 */
export async function debianSources(): Promise<string[]> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)";
  const { stdout } = await runOrThrow([
    ...["apt-get", "indextargets", "--format", format, "Created-By: Packages"],
  ]);
  const targets = stdout.split("\n").map((line) => line.split(" "));
  const debian = targets.filter(
    ([, , component, origin, codename]) =>
      origin === "Debian" && component === "main" && codename?.split("-")[0] === SUITE,
  );
  const lines = debian.map(([uri, release]) => `deb ${uri ?? ""} ${release ?? ""} main`);
  const hasBase = debian.some(([, release]) => release === SUITE);
  return hasBase ? [...new Set(lines)] : [];
}

/** This machine's transport options for apt (proxies, retries), as lines of an apt.conf. May contain a password. */
export async function aptTransport(): Promise<string[]> {
  const { stdout } = await runOrThrow(["apt-config", "dump"]);
  return stdout.split("\n").filter((line) => TRANSPORT.test(line));
}

const TRANSPORT = /^Acquire::(https?|ftp|Check-|Retries|ForceIPv)/i;
