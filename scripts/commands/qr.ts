/** `qr`: the config of a phone as a picture to scan. */
import type { Command } from "commander";
import { Failure } from "../stack/failure";
import { recordDelivery } from "../stack/delivered";
import { findStack } from "../stack/project";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { readHandedOver, writeSecretFile } from "./handed-over";

interface QrOptions extends CommonOptions {
  png?: string;
  svg?: string;
}

export function qrCommand(): Command {
  return newCommand("qr <node>", {
    says: "Show the config of a node without a host as a QR code, for the WireGuard app to scan.",
    examples: ["qr phone", "qr phone --png phone.png"],
  })
    .option(...STACK_OPTION)
    .option("--png <file>", "write it as a PNG file (mode 0600) instead")
    .option("--svg <file>", "write it as an SVG file (mode 0600) instead")
    .action(qr);
}

async function qr(name: string, options: QrOptions): Promise<void> {
  const stack = findStack(options.stack);
  const { node, plan, file } = await readHandedOver(name, stack);
  if (node.custody === "device") {
    throw new Failure(
      `${name} keeps its private key to itself, so its config has a gap that a QR code cannot have`,
      `hand it over as text: npx wireguard-mesh config ${name}`,
    );
  }
  recordDelivery(stack, node, plan, file);
  const codes = await import("qrcode");
  const text = file.reveal();
  const files: string[] = [];
  if (options.png !== undefined) {
    writeSecretFile(options.png, await codes.toBuffer(text));
    files.push(options.png);
  }
  if (options.svg !== undefined) {
    writeSecretFile(options.svg, await codes.toString(text, { type: "svg" }));
    files.push(options.svg);
  }
  if (files.length > 0) {
    print(
      options,
      { node: name, files },
      `${files.join(" and ")}: the config of ${name}. It is secret: delete it when it has been scanned.`,
    );
    return;
  }
  const picture = await codes.toString(text, { type: "utf8" });
  print(options, { node: name, qr: picture }, picture);
}
