/** Reads QR codes as a phone does: from the pixels that a terminal or a picture shows. */
import jsQR from "jsqr";

/** Pixels of a module, so that the reader has edges to find. */
const SCALE = 4;

/** The default colours of a terminal. */
export interface Theme {
  text: "black" | "white";
  background: "black" | "white";
}

export const LIGHT: Theme = { text: "black", background: "white" };
export const DARK: Theme = { text: "white", background: "black" };

/** The text of the code in the lines of a terminal; null if a reader without inversion finds none. */
export function readTerminal(output: string, theme: Theme): string | null {
  const rows = output.split("\n").flatMap((line) => halves(line, theme));
  const width = Math.max(...rows.map((row) => row.length));
  return readPixels(width, rows.length, (x, y) => (rows[y]?.[x] ?? theme.background) === "black");
}

export function readPixels(
  width: number,
  height: number,
  isBlack: (x: number, y: number) => boolean,
): string | null {
  const pixels = new Uint8ClampedArray(width * SCALE * height * SCALE * 4).fill(255);
  for (let y = 0; y < height * SCALE; y++) {
    for (let x = 0; x < width * SCALE; x++) {
      if (!isBlack(Math.floor(x / SCALE), Math.floor(y / SCALE))) continue;
      pixels.fill(0, (y * width * SCALE + x) * 4, (y * width * SCALE + x) * 4 + 3);
    }
  }
  const found = jsQR(pixels, width * SCALE, height * SCALE, { inversionAttempts: "dontInvert" });
  return found?.data ?? null;
}

/** The upper and the lower half of each letter in a line. */
function halves(line: string, theme: Theme): [string[], string[]] {
  let { text, background } = theme;
  const upper: string[] = [];
  const lower: string[] = [];
  // eslint-disable-next-line no-control-regex -- ESC begins a colour
  for (const [sign, colours] of line.matchAll(/\u001B\[([\d;]*)m|./gu)) {
    if (colours !== undefined) {
      const isReset = colours === "0";
      if (!isReset && colours !== "38;5;16;48;5;231") throw new Error(`colours ${colours}`);
      ({ text, background } = isReset ? theme : LIGHT);
      continue;
    }
    upper.push("▀█".includes(sign) ? text : background);
    lower.push("▄█".includes(sign) ? text : background);
  }
  return [upper, lower];
}
