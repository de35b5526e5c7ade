/** Runs commands for tests of a whole mesh and adds their output to the search for leaks. */
import * as assert from "node:assert/strict";
import type { CommandResult } from "../../../scripts/lab/process";
import { UNTIL_GONE } from "./host-protocol";
import { LeakWatch } from "./leak-watch";
import type { MeshLab } from "./mesh-lab";

export const UP = ["up", "--yes", "--skip-preview", "--continue-on-error"];

export interface MeshSession {
  leaks: LeakWatch;
  /** Runs the engine's CLI on the operator. */
  pulumi: (...args: string[]) => Promise<CommandResult>;
  /** Runs `npx wireguard-mesh` on the operator. */
  command: (...args: string[]) => Promise<CommandResult>;
  /** Runs a script on a host as root and asserts success. Returns its stdout without trailing newlines. */
  on: (host: string, script: string) => Promise<string>;
  /** Host → the number of SSH logins since `before`. */
  loginsSince: (before: Record<string, number>) => Record<string, number>;
  logins: () => Record<string, number>;
}

export async function openSession(mesh: MeshLab): Promise<MeshSession> {
  const { lab } = mesh;
  const leaks = await LeakWatch.forStack(mesh);
  const record = (argv: string[], done: CommandResult): CommandResult => {
    leaks.add(`output of ${argv.join(" ")}`, done.stdout + done.stderr);
    return done;
  };
  const logins = () => Object.fromEntries(lab.hosts.map((host) => [host, lab.logins(host)]));
  return {
    leaks,
    pulumi: async (...args) => record(["pulumi", ...args], await mesh.pulumi(...args)),
    command: async (...args) => {
      const argv = ["node", "dist/scripts/wireguard-mesh.js", ...args];
      return record(argv, await lab.exec("operator", argv, { timeoutMs: 300_000 }));
    },
    on: async (host, script) => {
      const done = await lab.exec(host, ["sh", "-ec", script]);
      assert.equal(done.code, 0, `${host}: ${script}\n${done.stderr}`);
      return done.stdout.trimEnd();
    },
    logins,
    loginsSince: (before) =>
      Object.fromEntries(
        Object.entries(logins()).map(([host, count]) => [host, count - (before[host] ?? 0)]),
      ),
  };
}

export function succeeded(done: CommandResult): CommandResult {
  assert.equal(done.code, 0, done.stdout + done.stderr);
  return done;
}

/** The files and interfaces that wireguard-mesh has left on a host, except the lock file, which stays until reboot. */
export async function leftoversOn(
  { on }: Pick<MeshSession, "on">,
  host: string,
): Promise<string[]> {
  const places = "/etc /var/lib /run /sys/class/net";
  const script = `${UNTIL_GONE}; find ${places} \\( -name '*wireguard-mesh*' -o -name 'wg0*' \\) 2>/dev/null | grep -v '^/run/wireguard-mesh.lock' || true`;
  return (await on(host, script)).split("\n").filter(Boolean);
}
