/** `config`: the WireGuard file of a node that is not pushed to. */
import type { Command } from "commander";
import { recordDelivery } from "../stack/delivered";
import { findStack } from "../stack/project";
import { newCommand, print, say, STACK_OPTION, type CommonOptions } from "./command";
import { readHandedOver, writeSecretFile } from "./handed-over";

interface ConfigOptions extends CommonOptions {
  out?: string;
}

export function configCommand(): Command {
  return newCommand("config <node>", {
    says: "Print the WireGuard file of a node without a host, with its secrets, to be handed over; the last `up` made it.",
    examples: [
      "config phone --out phone.conf",
      "config phone | ssh admin@router 'cat > /etc/wireguard/wg0.conf'",
    ],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <file>", "write it to this file (mode 0600) instead")
    .action(config);
}

async function config(name: string, options: ConfigOptions): Promise<void> {
  const stack = findStack(options.stack);
  const { node, plan, file } = await readHandedOver(name, stack);
  recordDelivery(stack, node, plan, file);
  if (node.custody === "device") {
    say(`${name} keeps its private key to itself: put it where the line "# PrivateKey" stands.`);
  }
  const facts = { node: name, custody: node.custody };
  if (options.out === undefined) {
    print(options, { ...facts, config: file.reveal() }, file.reveal());
    return;
  }
  writeSecretFile(options.out, file.reveal());
  print(
    options,
    { ...facts, file: options.out },
    `${options.out} holds the config of ${name}. It is secret: delete it when it has been handed over.`,
  );
}
