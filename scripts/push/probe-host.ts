/** Sends pings from a host, and looks at the room on its disk. */
import * as fs from "node:fs";
import * as path from "node:path";
import { parseProbes, probeCalls, type Probe, type Probes } from "../../mesh/doctor/probes";
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "./connect";
import { PROBE_MS } from "./limits";

/** Changes nothing and sends no secret. @throws PushError when no way leads there */
export async function probeHost(access: HostAccess, probes: readonly Probe[]): Promise<Probes> {
  const script = fs.readFileSync(scriptFile(), "utf8") + probeCalls(probes);
  const { stdout } = await runOnHost(access, script, { limitMs: PROBE_MS });
  return parseProbes(stdout);
}

/** Next to this file in the repository; this file itself may be the compiled one in dist/scripts/push. */
function scriptFile(): string {
  const beside = path.join(__dirname, "probe.sh");
  return fs.existsSync(beside) ? beside : path.join(__dirname, "../../../scripts/push/probe.sh");
}
