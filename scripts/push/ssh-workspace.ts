/** A temporary folder and SSH agent, removed when this process ends, even if it is killed. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { exitWithin, startGroup, type GroupWatcher } from "./children";
import { plainEnvironment } from "./environment";
import { CLEAN_UP_MS } from "./limits";
import { PushError } from "./push-error";

/** A folder of mode 0700 for known_hosts, logs and jump scripts, and an agent if the stack has its own key. */
export interface SshWorkspace {
  folder: string;
  /** The agent's socket; null if the stack has no key of its own. */
  agentSocket: string | null;
  /** Call it for each process group that must end with this process. */
  watcher: GroupWatcher;
  /** Ends the agent and removes the folder. */
  cleanUp(): Promise<void>;
}

/**
 * A shell that reads a pipe from this process. When the pipe closes (we are done, or were killed), it kills the process groups
 * that still run and the agent, and removes the folder. It does not wait for the agent's own check of its parent, which
 * comes only every 10 s (ssh-agent.c, parent_alive_interval).
 */
const CLEANER = `
trap '' HUP INT TERM
folder=$1 agent=$2 groups=
echo ready
while read -r event group; do
  case $event in
    started) groups="$groups $group" ;;
    ended)
      left=
      for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done
      groups=$left ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
[ "$agent" = no ] || kill "$SSH_AGENT_PID"
rm -rf "$folder"
`;

/**
 * `sshPrivateKey` goes through a pipe into the agent, never into a file, an argument or the environment.
 * @throws PushError if the agent does not start or rejects the key.
 */
export async function openSshWorkspace(sshPrivateKey: string | null): Promise<SshWorkspace> {
  const folder = fs.mkdtempSync(path.join(temporaryFolder(), "wireguard-mesh-"));
  const agentSocket = sshPrivateKey === null ? null : path.join(folder, "agent");
  const cleaner = startCleaner(folder, agentSocket);
  const workspace: SshWorkspace = {
    folder,
    agentSocket,
    watcher: (event, group) => void cleaner.stdin.write(`${event} ${group}\n`),
    cleanUp: () => cleanUp(cleaner, folder),
  };
  try {
    await ready(cleaner);
    if (sshPrivateKey !== null) await addKey(sshPrivateKey, workspace);
    return workspace;
  } catch (problem) {
    await workspace.cleanUp();
    throw problem;
  }
}

/** ssh expands `%`, `~`, `$` and spaces in file names, and the path of a socket must be short. */
function temporaryFolder(): string {
  const own = os.tmpdir();
  return /^[A-Za-z0-9/._-]{1,60}$/.test(own) ? own : "/tmp";
}

function startCleaner(folder: string, agentSocket: string | null): ChildProcessWithoutNullStreams {
  const argv = ["sh", "-c", CLEANER, "cleaner", folder, agentSocket === null ? "no" : "yes"];
  const [program = "", ...args] =
    agentSocket === null ? argv : ["ssh-agent", "-a", agentSocket, ...argv];
  // Not by startGroup: it must outlive this process to clean up.
  const cleaner = spawn(program, args, { env: plainEnvironment(), stdio: "pipe", detached: true });
  cleaner.stdin.on("error", () => undefined);
  return cleaner;
}

function ready(cleaner: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      reject(
        new PushError(
          "ssh-agent could not be started. Install OpenSSH's client programs (openssh-client).",
        ),
      );
    };
    cleaner.on("error", fail);
    cleaner.on("exit", fail);
    cleaner.stdout.once("data", () => {
      resolve();
    });
  });
}

async function addKey(sshPrivateKey: string, workspace: SshWorkspace): Promise<void> {
  const add = startGroup(
    ["ssh-add", "-q", "-"],
    { ...plainEnvironment(), SSH_AUTH_SOCK: workspace.agentSocket ?? "" },
    workspace.watcher,
  );
  let output = "";
  add.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  // ssh-add needs the final newline, which a config value may lack.
  add.stdin.end(`${sshPrivateKey.replaceAll("\r", "").trimEnd()}\n`);
  if ((await exitWithin(add, CLEAN_UP_MS)) !== 0) throw new PushError(keyTrouble(output));
}

function keyTrouble(output: string): string {
  const set = "npx pulumi config set --secret wireguard-mesh:sshPrivateKey < KEYFILE";
  if (/passphrase/i.test(output)) {
    return (
      "the key in wireguard-mesh:sshPrivateKey is protected by a passphrase, and nobody is there to type it. " +
      `Take off the passphrase of a copy (ssh-keygen -p -N '' -f KEYFILE) and set that one: ${set}; or leave the key out ` +
      "(npx pulumi config rm wireguard-mesh:sshPrivateKey) and use your own SSH agent."
    );
  }
  return (
    "wireguard-mesh:sshPrivateKey holds no SSH private key that OpenSSH can read. " +
    `Set the whole file, from its BEGIN line to its END line: ${set}`
  );
}

async function cleanUp(cleaner: ChildProcessWithoutNullStreams, folder: string): Promise<void> {
  if (cleaner.exitCode === null && cleaner.signalCode === null && cleaner.pid !== undefined) {
    const ended = new Promise((resolve) => cleaner.on("exit", resolve));
    const timer = setTimeout(() => cleaner.kill("SIGKILL"), CLEAN_UP_MS);
    cleaner.stdin.end();
    await ended;
    clearTimeout(timer);
  }
  fs.rmSync(folder, { recursive: true, force: true });
}
