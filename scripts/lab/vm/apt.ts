/** Where this machine has its Debian packages from: its own apt configuration, as apt itself reads it. */
import { must } from "../process";
import { SUITE } from "./recipe";

/**
 * Lines for a sources.list with what this machine's apt has of Debian 12 itself. Empty where it has none of it (another
 * release or distribution): then mmdebstrap's own default serves.
 */
export async function debianSources(): Promise<string[]> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN) $(CODENAME)";
  const { stdout } = await must([
    ...["apt-get", "indextargets", "--format", format, "Created-By: Packages"],
  ]);
  const targets = stdout.split("\n").map((line) => line.split(" "));
  const ours = targets.filter(
    ([, , component, origin, codename]) =>
      origin === "Debian" && component === "main" && codename?.split("-")[0] === SUITE,
  );
  const lines = ours.map(([uri, release]) => `deb ${uri ?? ""} ${release ?? ""} main`);
  const hasBase = ours.some(([, release]) => release === SUITE);
  return hasBase ? [...new Set(lines)] : [];
}

/** How this machine's apt gets at its sources (proxies and the like), as lines of an apt.conf. May hold a password. */
export async function aptTransport(): Promise<string[]> {
  const { stdout } = await must(["apt-config", "dump"]);
  return stdout.split("\n").filter((line) => TRANSPORT.test(line));
}

const TRANSPORT = /^Acquire::(https?|ftp|Check-|Retries|ForceIPv)/i;
