/** `qr`: the config of a device as a QR code. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { isStdout, writeSecret } from "../cli/secret-output";
import { deliverOut } from "../cli/stdout";
import { readDeviceConfig, recordDelivery } from "../stack/device-config";
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
  const pictures = await picturesOf(name, device.file.reveal(), options);
  for (const { file, content } of pictures) writeSecret(file, content);
  const onStdout = pictures.some(({ file }) => isStdout(file));
  if (pictures.length === 0) {
    const picture = String(await draw(name, device.file.reveal(), "utf8"));
    print(options, { node: name, qr: picture }, picture);
  }
  if (pictures.length === 0 || onStdout) await deliverOut();
  await recordDelivery(stack, device);
  const files = pictures.map(({ file }) => file);
  if (files.length === 0 || onStdout) return;
  print(
    options,
    { node: name, files },
    `${files.join(" and ")}: the config of ${name}. It is secret: delete it when it has been scanned.`,
  );
}

interface Picture {
  file: string;
  content: string | Buffer;
}

/** The pictures that were asked for, drawn before the first is written. */
async function picturesOf(
  name: string,
  text: string,
  { png, svg, json }: QrOptions,
): Promise<Picture[]> {
  const onStdout = [png, svg].filter((file) => file !== undefined && isStdout(file));
  if (onStdout.length + (json === true ? 1 : 0) > 1 && onStdout.length > 0)
    throw new Failure("stdout can have only one of these", "name a file instead of -", 2);
  return [
    ...(png === undefined ? [] : [{ file: png, content: await draw(name, text, "png") }]),
    ...(svg === undefined ? [] : [{ file: svg, content: await draw(name, text, "svg") }]),
  ];
}

async function draw(
  name: string,
  text: string,
  as: "utf8" | "svg" | "png",
): Promise<string | Buffer>;
async function draw(
  name: string,
  text: string,
  as: "utf8" | "svg" | "png",
): Promise<string | Buffer> {
  const { toBuffer, toString } = await import("qrcode");
  try {
    return await (as === "png" ? toBuffer(text) : toString(text, { type: as }));
  } catch (error) {
    if (!(error instanceof Error) || !/too big/.test(error.message)) throw error;
    throw new Failure(
      `the config of ${name} is larger than a QR code can hold (${Buffer.byteLength(text)} bytes)`,
      `give it as a file: npx wireguard-mesh config ${name} --out ${name}.conf; or make it smaller: with network.topology star it has one peer section for each relay`,
    );
  }
}
