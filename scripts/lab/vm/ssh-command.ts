/** The ssh command line for a virtual machine. */
import { spawnSync } from "node:child_process";

const END_LIMIT_MS = 5000;

export interface SshLogin {
  user: string;
  address: string;
  /** The operator's private key, a file. */
  key: string;
  knownHosts: string;
  /** The HostKeyAlias. */
  alias: string;
  /** The socket of the connection that commands share; null: each command logs in. */
  connection: string | null;
}

/** Runs a shell command there, without the user's own settings. */
export function sshCommand(login: SshLogin, command: string): string[] {
  const settings = {
    ...{ UserKnownHostsFile: login.knownHosts, HostKeyAlias: login.alias },
    ...{ StrictHostKeyChecking: "yes", BatchMode: "yes", IdentitiesOnly: "yes" },
    ...{ ConnectTimeout: "15", ServerAliveInterval: "10", ServerAliveCountMax: "6" },
    ...(login.connection !== null && {
      // Seconds without a command, after which it ends, because it does not end with a killed test.
      ...{ ControlMaster: "auto", ControlPath: login.connection, ControlPersist: "300" },
    }),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const destination = `${login.user}@${login.address}`;
  return ["ssh", "-F", "none", "-i", login.key, ...flags, destination, command];
}

/** Ends the connection that commands share, even if the machine does not answer; does nothing if there is none. */
export function endConnection(connection: string): void {
  const argv = ["-F", "none", "-o", `ControlPath=${connection}`, "-O", "exit", "machine"];
  spawnSync("ssh", argv, { stdio: "ignore", timeout: END_LIMIT_MS });
}
