/** `config`: the WireGuard file of a device, a node that is not pushed to. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { isStdout, writeSecret } from "../cli/secret-output";
import { deliverOut } from "../cli/stdout";
import { log } from "../log";
import { readDeviceConfig, recordDelivery } from "../stack/device-config";
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
    .option("-o, --out <file>", "write it to this file (mode 0600) instead; - is stdout")
    .action(config);
}

async function config(name: string, options: ConfigOptions): Promise<void> {
  const stack = openStack(options.stack);
  const device = await readDeviceConfig(name, stack);
  const { custody } = device.node;
  if (custody === "device")
    log(`${name} keeps its own private key: replace the line "# PrivateKey" with it.`);
  const text = device.file.reveal();
  const { out = "-" } = options;
  if (isStdout(out)) {
    print(options, { node: name, custody, config: text }, text);
    await deliverOut();
    await recordDelivery(stack, device);
    return;
  }
  writeSecret(out, text);
  await recordDelivery(stack, device);
  print(
    options,
    { node: name, custody, file: out },
    `${out} is the config of ${name}. It is secret: delete it when ${name} has it.`,
  );
}
