/** `config`: the WireGuard file of a device, a node that is not pushed to. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { log } from "../log";
import { readDeviceConfig, recordDelivery, writeSecretFile } from "../stack/device-config";
import { openStack } from "../stack/open-stack";

interface ConfigOptions extends CommonOptions {
  out?: string;
}

export function configCommand(): Command {
  return newCommand("config <node>", {
    description:
      "Print the WireGuard file of a node without a host, with its secrets, as of the last `up`.",
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
  const stack = openStack(options.stack);
  const device = await readDeviceConfig(name, stack);
  await recordDelivery(stack, device);
  const { custody } = device.node;
  if (custody === "device")
    log(`${name} keeps its own private key: replace the line "# PrivateKey" with it.`);
  const text = device.file.reveal();
  if (options.out === undefined) {
    print(options, { node: name, custody, config: text }, text);
    return;
  }
  writeSecretFile(options.out, text);
  print(
    options,
    { node: name, custody, file: options.out },
    `${options.out} is the config of ${name}. It is secret: delete it when ${name} has it.`,
  );
}
