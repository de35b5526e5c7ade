/** `ssh`: runs a session or a command on a node, through the first SSH target that works. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { log } from "../log";
import { formatWay } from "../push/attempt";
import { PushError, type FailedWay } from "../push/push-error";
import { runSession } from "../push/ssh-session";
import { Failure, findNode } from "../stack/failure";
import { openAccess, openOwnKeyAccess, interactiveAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { isInNetwork } from "../stack/in-network";

interface SshOptions extends CommonOptions {
  ownKeys?: true;
  tty?: true;
  verbose?: true;
}

/** The exit code of ssh(1) for a failed connection, which few remote commands use. */
const CONNECTION_FAILED = 255;

export function sshCommand(): Command {
  return newCommand("ssh <node> [command...]", {
    description:
      "Log in to a node, or run a command there, through the first address that works: those in host, the tunnel from inside the network, and through each relay from outside. Only the pinned host keys are accepted. The exit code is that of the command, or 255 if no login worked. With --json it prints the addresses that it would try, and does not log in.",
    examples: [
      "ssh desktop",
      "ssh nas df -h",
      "ssh nas 'tar cz /srv' > srv.tar.gz",
      "ssh --json desktop",
    ],
  })
    .option(...STACK_OPTION)
    .option("-t, --tty", "give the command a terminal")
    .option("--own-keys", "log in with your own SSH agent and keys, not with sshPrivateKey")
    .option("-v, --verbose", "say which way is taken, also if it is the first")
    .passThroughOptions()
    .action(ssh);
}

async function ssh(name: string, words: string[], options: SshOptions): Promise<void> {
  // ssh(1) accepts it, too: ssh nas -- df -h
  const command = words[0] === "--" ? words.slice(1) : words;
  const stack = openStack(options.stack);
  // The file's plan is enough: keys of rotations in progress do not affect a login, so the outputs are not read.
  const plan = stack.filePlan();
  const node = findNode(name, plan.nodes);
  if (node.hosts.length === 0) {
    throw new Failure(
      `${name} is a device without a host, so its SSH server is not known`,
      `if it has one, say how to log in, and up pushes to it from then on: ${node.kind}s.${name}.host and hostKey in the stack file (docs/config.md)`,
      2,
    );
  }
  const useOwn = options.ownKeys === true || options.json === true;
  const access = useOwn ? await openOwnKeyAccess(stack, plan) : await openAccess(stack, plan);
  const person = interactiveAccess(node, access, isInNetwork(plan));
  if (options.json === true) {
    print(options, { node: name, ways: person.targets.map(formatWay) }, "");
    return;
  }
  const logForNode = (message: string): void => {
    log(`${name}: ${message}`);
  };
  const onWay = (through: string, former: FailedWay | null): void => {
    if (former !== null) logForNode(`${reasonOf(former)}; trying ${through}`);
    else if (options.verbose === true) logForNode(`trying ${through}`);
  };
  try {
    const forceTerminal = options.tty === true;
    process.exitCode = await runSession(person, {
      command,
      forceTerminal,
      onWay,
      onSlow: logForNode,
    });
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    log(error.message);
    process.exitCode = CONNECTION_FAILED;
  }
}

function reasonOf({ failure }: FailedWay): string {
  return failure.cause.split("\n")[0] ?? "";
}
