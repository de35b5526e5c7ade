/** `hand-over`: a page for the owner of a device. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { markDelivered } from "../cli/delivered";
import { QrCode } from "../cli/qr-code";
import { isStdout, writeSecret } from "../cli/secret-output";
import { deliverOut } from "../cli/stdout";
import { wrapLines } from "../cli/wrap";
import { log } from "../log";
import { readDeviceConfig, type DeviceConfig } from "../stack/device-config";
import { Failure } from "../stack/failure";
import { openStack } from "../stack/open-stack";
import { handOverPage } from "./hand-over/page";

interface HandOverOptions extends CommonOptions {
  out?: string;
}

export function handOverCommand(): Command {
  return newCommand("hand-over <node>", {
    description:
      "Write a page for the owner of a device: the QR code, the file to download, the steps for iPhone, Android, Windows, Mac and Linux, what it reaches and when it expires. It is one HTML file that loads nothing, and a secret.",
    examples: ["hand-over phone", "hand-over phone --out /media/stick/phone.html"],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <file>", "where to (mode 0600); default: NODE.html; - is stdout")
    .action(handOver);
}

async function handOver(name: string, options: HandOverOptions): Promise<void> {
  const stack = openStack(options.stack);
  const device = await readDeviceConfig(name, stack);
  const { node, plan } = device;
  const { out = `${name}.html` } = options;
  const onStdout = isStdout(out);
  if (onStdout && options.json === true)
    throw new Failure(
      "--json and --out - both write to stdout",
      `write the page to a file: --out ${name}.html`,
      2,
    );
  const file = device.file.reveal();
  writeSecret(out, handOverPage({ node, plan, file, code: await codeOf(device) }));
  if (onStdout) await deliverOut();
  else
    print(
      options,
      { node: name, custody: node.custody, file: out },
      wrapLines(
        `${out} is the page for ${name}. It is secret: send it to its owner over a private channel, and delete it here.`,
      ),
    );
  await markDelivered(stack, device);
}

/** The QR code as SVG. Null, with a warning, if the config is too large for one; then the page has only the file. */
async function codeOf({ node, file }: DeviceConfig): Promise<string | null> {
  if (node.custody === "device") return null;
  try {
    return await (await QrCode.of(node.name, file.reveal())).svg();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log(`${error.message}: the page has only the file`);
    return null;
  }
}
