/** `ssh-config`: the hosts of the network for the user's own ssh, scp, rsync and editors. */
import * as fs from "node:fs";
import { join, resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { writeSecret } from "../cli/secret-output";
import { wrapLines } from "../cli/wrap";
import { log } from "../log";
import { PushError } from "../push/push-error";
import { Failure } from "../stack/failure";
import { openOwnKeyAccess, interactiveAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { isInNetwork } from "../stack/in-network";
import { MARK, sshConfig, type ReachableNode, type SshConfig } from "../stack/ssh-config";

interface SshConfigOptions extends CommonOptions {
  out?: string;
  prefix?: string;
  identity?: string;
}

export function sshConfigCommand(): Command {
  return newCommand("ssh-config", {
    description:
      "Print the hosts of the network as ssh_config(5), for your own ssh, scp, rsync and editors: their addresses, the jump through their relay, and the pinned host keys. It holds no secret: ssh logs in with your own agent and keys.",
    examples: ["ssh-config", "ssh-config --out ~/.ssh/wireguard-mesh", "ssh-config --prefix home-"],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <folder>", "write the files config and known_hosts into this folder")
    .option("-p, --prefix <text>", "begin each name with this", plainPrefix)
    .option("-i, --identity <file>", "log in with this key and no other")
    .action(printConfig);
}

function plainPrefix(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)) return text;
  throw new InvalidArgumentError("It has letters, digits, dots and hyphens only.");
}

async function printConfig(options: SshConfigOptions): Promise<void> {
  const stack = openStack(options.stack);
  const plan = stack.filePlan();
  const access = await openOwnKeyAccess(stack, plan);
  const isInside = isInNetwork(plan);
  const nodes = plan.nodes.flatMap((node): ReachableNode[] => {
    try {
      return [{ node, targets: interactiveAccess(node, access, isInside).targets }];
    } catch (error) {
      if (!(error instanceof PushError)) throw error;
      log(error.message);
      return [];
    }
  });
  const folder = options.out === undefined ? null : resolve(options.out);
  const made = sshConfig(nodes, {
    owner: access.owner,
    prefix: options.prefix ?? "",
    domain: plan.network.domain ?? null,
    identity: options.identity ?? null,
    knownHostsFile: folder === null ? null : join(folder, "known_hosts"),
    isInside,
  });
  if (stack.config["sshPrivateKey"] !== undefined && options.identity === undefined)
    log(WITHOUT_OWN_KEY);
  if (folder === null) {
    print(options, { hosts: made.hosts, config: made.config }, made.config);
    return;
  }
  const files = writeInto(folder, made);
  const text = `${wrapLines(`${files.join(" and ")}: ${made.hosts.length} hosts. At the top of ~/.ssh/config:`)}\n  Include ${files[0] ?? ""}`;
  print(options, { hosts: made.hosts, files }, text);
}

/** The stack's private key is not written to a file, so ssh needs it in the agent. */
const WITHOUT_OWN_KEY =
  "The hosts accept the stack's own SSH key, which this config does not contain. If they do not accept yours, " +
  "add the stack's to your agent: " +
  "npx pulumi config get wireguard-mesh:sshPrivateKey | ssh-add -";

/** @throws Failure, before anything is written, if another program's file would be overwritten. */
function writeInto(folder: string, { config, knownHosts }: SshConfig): string[] {
  const files = [join(folder, "config"), join(folder, "known_hosts")];
  const [configFile = "", knownHostsFile = ""] = files;
  if (firstLine(configFile) !== MARK && files.some((file) => fs.existsSync(file))) {
    throw new Failure(
      `${folder} has a config or known_hosts that is not of ssh-config; nothing was written`,
      "name a folder of its own: npx wireguard-mesh ssh-config --out ~/.ssh/wireguard-mesh",
    );
  }
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Failure(`${folder} could not be made: ${(error as Error).message}`);
  }
  writeSecret(knownHostsFile, knownHosts);
  writeSecret(configFile, config);
  return files;
}

function firstLine(file: string): string {
  if (!fs.existsSync(file)) return "";
  return fs.readFileSync(file, "utf8").split("\n")[0] ?? "";
}
