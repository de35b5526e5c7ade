/** Sends pings from a host, and checks its disk space. */
import * as fs from "node:fs";
import { parseProbes, probeCalls, type Probe, type Probes } from "../../mesh/doctor/probes";
import type { HostAccess } from "../../mesh/push-request";
import { runOnHost } from "./connect";
import { PROBE_MS } from "./limits";
import type { SshContext } from "./ssh-context";
import { shellSource } from "./shell-source";

/** Changes nothing and sends no secret. @throws PushError if no way works. */
export async function probeHost(
  access: HostAccess,
  probes: readonly Probe[],
  shared: SshContext | null = null,
): Promise<Probes> {
  const { stdout } = await runOnHost(access, probeScript(probes), { limitMs: PROBE_MS }, shared);
  return parseProbes(stdout);
}

/** A sh script; mesh/doctor/probes.ts parses its output. */
export function probeScript(probes: readonly Probe[]): string {
  return fs.readFileSync(shellSource("probe.sh"), "utf8") + probeCalls(probes);
}
