/** `config`: the WireGuard file of a device, a node that is not pushed to. */
import type { Command } from "commander";
import { markDelivered } from "../cli/delivered";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { isStdout, writeSecret } from "../cli/secret-output";
import { deliverOut } from "../cli/stdout";
import { log } from "../log";
import { readDeviceConfig } from "../stack/device-config";
import { Failure } from "../stack/failure";
import { openStack, type OpenStack } from "../stack/open-stack";
import { deviceList, deviceListText } from "./config/device-list";

interface ConfigOptions extends CommonOptions {
  out?: string;
}

export function configCommand(): Command {
  return newCommand("config [node]", {
    description:
      "Print the WireGuard file of a node without a host, with its secrets, as of the last `up`. Without a node: which devices have their current config; it exits with 1 if one has not.",
    examples: [
      "config",
      "config phone --out phone.conf",
      "config phone | ssh admin@router 'cat > /etc/wireguard/wg0.conf'",
    ],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <file>", "write it to this file (mode 0600) instead; - is stdout")
    .action(config);
}

async function config(name: string | undefined, options: ConfigOptions): Promise<void> {
  const stack = openStack(options.stack);
  if (name === undefined) return list(stack, options);
  const device = await readDeviceConfig(name, stack);
  const { custody } = device.node;
  if (custody === "device")
    log(`${name} keeps its own private key: replace the line "# PrivateKey" with it.`);
  const text = device.file.reveal();
  const { out = "-" } = options;
  if (isStdout(out)) {
    print(options, { node: name, custody, config: text }, text);
    await deliverOut();
    await markDelivered(stack, device);
    return;
  }
  writeSecret(out, text);
  await markDelivered(stack, device);
  print(
    options,
    { node: name, custody, file: out },
    `${out} is the config of ${name}. It is secret: delete it when ${name} has it.`,
  );
}

async function list(stack: OpenStack, options: ConfigOptions): Promise<void> {
  if (options.out !== undefined) throw new Failure("the config of which node?", "name it", 2);
  const devices = await deviceList(stack);
  const ok = devices.every(({ command }) => command === null);
  process.exitCode = ok ? 0 : 1;
  print(options, { ok, devices }, deviceListText(devices));
}
