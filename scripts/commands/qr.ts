/** `qr`: the config of a device as a QR code. */
import { InvalidArgumentError, type Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { markDelivered } from "../cli/delivered";
import { QrCode } from "../cli/qr-code";
import { isStdout, writeSecret } from "../cli/secret-output";
import { deliverOut } from "../cli/stdout";
import { wrapLines } from "../cli/wrap";
import { log } from "../log";
import { readDeviceConfig } from "../stack/device-config";
import { Failure } from "../stack/failure";
import { openStack } from "../stack/open-stack";

interface QrOptions extends CommonOptions {
  out?: string;
  png?: string;
  svg?: string;
}

export function qrCommand(): Command {
  return newCommand("qr <node>", {
    description:
      "Show the config of a node without a host as a QR code, for the WireGuard app to scan. It is black on white on a light and on a dark terminal.",
    examples: ["qr phone", "qr phone --out phone.png"],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <file>", "write a picture (.png or .svg, mode 0600) instead", pictureFile)
    .option("--png <file>", "write it as a PNG file, whatever its name; - is stdout")
    .option("--svg <file>", "write it as an SVG file, whatever its name; - is stdout")
    .action(qr);
}

function pictureFile(file: string): string {
  if (/\.(png|svg)$/i.test(file)) return file;
  throw new InvalidArgumentError("its name ends in .png or .svg. For the text: leave it out.");
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
  const code = await QrCode.of(name, device.file.reveal());
  const pictures = await picturesOf(code, options);
  for (const { file, content } of pictures) writeSecret(file, content);
  const onStdout = pictures.some(({ file }) => isStdout(file));
  if (pictures.length === 0) {
    if (options.json !== true) refuseNarrowTerminal(name, code);
    print(options, { node: name, qr: code.plainText() }, code.terminalText());
  }
  if (pictures.length === 0 || onStdout) await deliverOut();
  const files = pictures.map(({ file }) => file);
  if (files.length > 0 && !onStdout)
    print(
      options,
      { node: name, files },
      wrapLines(
        `${files.join(" and ")}: the config of ${name}. It is secret: delete it when it has been scanned.`,
      ),
    );
  await markDelivered(stack, device);
}

/** A code wider than the terminal cannot be scanned. One that is too high can, after scrolling or with a smaller font. */
function refuseNarrowTerminal(name: string, { width, height }: QrCode): void {
  if (!process.stdout.isTTY) return;
  const { columns, rows } = process.stdout;
  if (columns < width)
    throw new Failure(
      `the QR code of ${name} is ${width} columns wide, and this terminal has ${columns}`,
      `make its letters smaller or its window wider; or write a picture: npx wireguard-mesh qr ${name} --out ${name}.png`,
    );
  if (rows < height)
    log(`It has ${height} lines, and this terminal ${rows}: make the letters smaller to scan it.`);
}

interface Picture {
  file: string;
  content: string | Buffer;
}

/** The pictures for the options; all are drawn before the first is written. */
async function picturesOf(code: QrCode, options: QrOptions): Promise<Picture[]> {
  const { out, png, svg, json } = options;
  const isSvg = out !== undefined && /svg$/i.test(out);
  const named = [
    { file: png, kind: "png" },
    { file: svg, kind: "svg" },
    { file: out, kind: isSvg ? "svg" : "png" },
  ] as const;
  const files = named.flatMap(({ file, kind }) => (file === undefined ? [] : [{ file, kind }]));
  const onStdout = files.filter(({ file }) => isStdout(file));
  if (onStdout.length + (json === true ? 1 : 0) > 1 && onStdout.length > 0)
    throw new Failure(
      "only one picture, or --json, can go to stdout",
      "give a file's name instead of -",
      2,
    );
  return Promise.all(
    files.map(async ({ file, kind }) => ({
      file,
      content: await (kind === "png" ? code.png() : code.svg()),
    })),
  );
}
