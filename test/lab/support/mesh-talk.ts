/** What tests of a whole network say to it, with everything that it answers searched for secrets. */
import * as assert from "node:assert/strict";
import type { CommandResult } from "../../../scripts/lab/process";
import { LeakWatch } from "./leak-watch";
import type { MeshLab } from "./mesh-lab";

export const UP = ["up", "--yes", "--skip-preview", "--continue-on-error"];

export interface Talk {
  leaks: LeakWatch;
  /** The engine's CLI on the operator. */
  pulumi: (...args: string[]) => Promise<CommandResult>;
  /** `npx wireguard-mesh` on the operator. */
  command: (...args: string[]) => Promise<CommandResult>;
  /** A script on a host as root, which must succeed; its stdout without the last line break. */
  on: (host: string, script: string) => Promise<string>;
  /** How many logins each host has taken since a former count. */
  loginsSince: (before: Record<string, number>) => Record<string, number>;
  logins: () => Record<string, number>;
}

export async function talkTo(mesh: MeshLab): Promise<Talk> {
  const { lab } = mesh;
  const leaks = await LeakWatch.start(mesh);
  const heard = (what: string[], done: CommandResult): CommandResult => {
    leaks.read(`output of ${what.join(" ")}`, done.stdout + done.stderr);
    return done;
  };
  const logins = () => Object.fromEntries(lab.hosts.map((host) => [host, lab.logins(host)]));
  return {
    leaks,
    pulumi: async (...args) => heard(["pulumi", ...args], await mesh.pulumi(...args)),
    command: async (...args) => {
      const argv = ["node", "dist/scripts/wireguard-mesh.js", ...args];
      return heard(argv, await lab.exec("operator", argv, { timeoutMs: 300_000 }));
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

/** What stands of ours on a host, by name; the lock's file stays until the next boot, by design. */
export async function leftOn({ on }: Pick<Talk, "on">, host: string): Promise<string[]> {
  const places = "/etc /var/lib /run /sys/class/net";
  const script = `find ${places} \\( -name '*wireguard-mesh*' -o -name 'wg0*' \\) 2>/dev/null | grep -v '^/run/wireguard-mesh.lock' || true`;
  return (await on(host, script)).split("\n").filter(Boolean);
}
