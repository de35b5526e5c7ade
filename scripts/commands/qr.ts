/** `qr`: the config of a device as a QR code. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { readDeviceConfig, recordDelivery, writeSecretFile } from "../stack/device-config";
import { Failure } from "../stack/failure";
import { openStack } from "../stack/open-stack";

interface QrOptions extends CommonOptions {
  png?: string;
  svg?: string;
}

export function qrCommand(): Command {
  return newCommand("qr <node>", {
    description:
      "Show the config of a node without a host as a QR code, for the WireGuard app to scan.",
    examples: ["qr phone", "qr phone --png phone.png"],
  })
    .option(...STACK_OPTION)
    .option("--png <file>", "write it as a PNG file (mode 0600) instead")
    .option("--svg <file>", "write it as an SVG file (mode 0600) instead")
    .action(qr);
}

async function qr(name: string, options: QrOptions): Promise<void> {
  const stack = openStack(options.stack);
  const device = await readDeviceConfig(name, stack);
  if (device.node.custody === "device") {
    throw new Failure(
      `${name} keeps its own private key, and a QR code cannot leave a gap for it`,
      `use the text: npx wireguard-mesh config ${name}`,
    );
  }
  await recordDelivery(stack, device);
  const files = await writePictures(device.file.reveal(), options);
  if (files.length > 0) {
    print(
      options,
      { node: name, files },
      `${files.join(" and ")}: the config of ${name}. It is secret: delete it when it has been scanned.`,
    );
    return;
  }
  const { toString } = await import("qrcode");
  const picture = await toString(device.file.reveal(), { type: "utf8" });
  print(options, { node: name, qr: picture }, picture);
}

/** Returns the files that were asked for. */
async function writePictures(text: string, { png, svg }: QrOptions): Promise<string[]> {
  const { toBuffer, toString } = await import("qrcode");
  if (png !== undefined) writeSecretFile(png, await toBuffer(text));
  if (svg !== undefined) writeSecretFile(svg, await toString(text, { type: "svg" }));
  return [png, svg].filter((file) => file !== undefined);
}
