/** A device's config as a QR code, as text for a terminal or as a picture. */
import pc from "picocolors";
import { Failure } from "../stack/failure";
import { wrapped } from "./wrap";

/** The lowest error correction is enough on a screen, and gives the smallest code. */
const OPTIONS = { errorCorrectionLevel: "L", margin: 4 } as const;

/** Quiet zone in modules (ISO/IEC 18004). */
const QUIET = OPTIONS.margin;

/** The code of one config. */
export class QrCode {
  private constructor(
    private readonly text: string,
    /** Modules on each side, without the quiet zone. */
    private readonly size: number,
    private readonly dark: Uint8Array,
  ) {}

  /** `config` is a wg-quick(8) file; the code leaves out its comments. @throws Failure when it is too large. */
  static async of(node: string, config: string): Promise<QrCode> {
    const { create } = await import("qrcode");
    const text = withoutComments(config);
    try {
      const { modules } = create(text, OPTIONS);
      return new QrCode(text, modules.size, modules.data);
    } catch (error) {
      if (!(error instanceof Error) || !/too big/.test(error.message)) throw error;
      throw new Failure(
        `the config of ${node} is larger than a QR code can hold (${Buffer.byteLength(text)} bytes)`,
        `give it as a file: npx wireguard-mesh config ${node} --out ${node}.conf; or make it smaller: with network.topology star it has one peer section for each relay`,
      );
    }
  }

  async png(): Promise<Buffer> {
    const { toBuffer } = await import("qrcode");
    return toBuffer(this.text, { ...OPTIONS, scale: 8 });
  }

  async svg(): Promise<string> {
    const { toString } = await import("qrcode");
    return toString(this.text, { ...OPTIONS, type: "svg" });
  }

  /** Columns on a terminal. */
  get width(): number {
    return this.size + 2 * QUIET;
  }

  /** Lines on a terminal. */
  get height(): number {
    return Math.ceil(this.width / 2);
  }

  /** Black on white with colours; without, one code for light and one for dark backgrounds: scanners need dark on light. */
  terminalText(inColours = pc.isColorSupported): string {
    if (inColours)
      return this.lines(true)
        .map((line) => `${BLACK_ON_WHITE}${line}${RESET}`)
        .join("\n");
    return [
      wrapped("", "On a light background, scan this one; on a dark one, the one below it:"),
      this.plainText(),
      "On a dark background:",
      this.lines(false).join("\n"),
    ].join("\n");
  }

  /** Dark modules as blocks, for paper and light backgrounds. */
  plainText(): string {
    return this.lines(true).join("\n");
  }

  /** Two rows of modules in each line. `inked`: whether the characters draw dark modules or light ones. */
  private lines(inked: boolean): string[] {
    const at = (row: number, column: number): boolean => this.isDark(row, column) === inked;
    const places = Array.from({ length: this.width }, (_, place) => place - QUIET);
    return Array.from({ length: this.height }, (_, line) => {
      const row = 2 * line - QUIET;
      return places
        .map((column) => BLOCKS[Number(at(row, column)) * 2 + Number(at(row + 1, column))])
        .join("");
    });
  }

  private isDark(row: number, column: number): boolean {
    const isInside = [row, column].every((place) => place >= 0 && place < this.size);
    return isInside && this.dark[row * this.size + column] === 1;
  }
}

/** Characters by whether the upper half (2) and the lower half (1) are drawn. */
const BLOCKS = [" ", "▄", "▀", "█"];

// Of the 256 colours, 16 and 231 are black and white in every theme; themes may change the first 16.
const BLACK_ON_WHITE = "\u001B[38;5;16;48;5;231m";
const RESET = "\u001B[0m";

function withoutComments(config: string): string {
  return config.replace(/^(#.*)?\n/gm, "");
}
