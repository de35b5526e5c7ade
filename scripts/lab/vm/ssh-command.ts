/** The ssh command line for a virtual machine. */

export interface SshLogin {
  user: string;
  address: string;
  /** The operator's private key, a file. */
  key: string;
  knownHosts: string;
  /** The HostKeyAlias. */
  alias: string;
  /** Whether commands share a connection, which stays open, and the socket by which they find it. */
  keepsConnection: boolean;
  connection: string;
}

/** Runs a shell command there, without the user's own settings. */
export function sshCommand(login: SshLogin, command: string): string[] {
  const settings = {
    ...{ UserKnownHostsFile: login.knownHosts, HostKeyAlias: login.alias },
    ...{ StrictHostKeyChecking: "yes", BatchMode: "yes", IdentitiesOnly: "yes" },
    ...{ ConnectTimeout: "15", ServerAliveInterval: "10", ServerAliveCountMax: "6" },
    ...(login.keepsConnection && {
      ...{ ControlMaster: "auto", ControlPath: login.connection, ControlPersist: "yes" },
    }),
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const destination = `${login.user}@${login.address}`;
  return ["ssh", "-F", "none", "-i", login.key, ...flags, destination, command];
}
