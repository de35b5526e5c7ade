/** The SSH agent of the operator's user, which ends with the lab. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import type { Lab } from "../../../scripts/lab/lab";
import { poll } from "../../../scripts/poll";

/** Without keys. */
export async function startAgent(lab: Lab, socket: string): Promise<void> {
  lab.spawn("operator", ["ssh-agent", "-D", "-a", socket], { stdio: "ignore" });
  await poll(() => fs.existsSync(socket) || undefined, { limitMs: 10_000, pauseMs: 10 });
}

export async function addToAgent(lab: Lab, socket: string, ...files: string[]): Promise<void> {
  const env = { SSH_AUTH_SOCK: socket };
  const added = await lab.exec("operator", ["ssh-add", "-q", ...files], { env });
  assert.equal(added.code, 0, added.stderr);
}
