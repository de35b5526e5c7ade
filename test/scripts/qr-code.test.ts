import assert from "node:assert/strict";
import { PNG } from "pngjs";
import { QrCode } from "../../scripts/cli/qr-code";
import { keyOf, privateKeyOf } from "./support/network";
import { DARK, LIGHT, readPixels, readTerminal } from "../support/read-qr";

const CONFIG = `# wireguard-mesh: phone
[Interface]
PrivateKey = ${privateKeyOf("phone").reveal()}
Address = 10.86.0.4/24

# tokyo
[Peer]
PublicKey = ${keyOf("tokyo")}
AllowedIPs = 10.86.0.0/24
Endpoint = 203.0.113.10:51820
PersistentKeepalive = 25
`;
const SCANNED = CONFIG.split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => `${line}\n`)
  .join("");

describe("a QR code", () => {
  it("with colours can be read from a light and a dark terminal, and contains the config without comments", async () => {
    const text = (await QrCode.of("phone", CONFIG)).terminalText(true);
    assert.equal(readTerminal(text, LIGHT), SCANNED);
    assert.equal(readTerminal(text, DARK), SCANNED);
  });

  it("without colours is printed once for light and once for dark terminals", async () => {
    const text = (await QrCode.of("phone", CONFIG)).terminalText(false);
    assert.ok(!text.includes("\u001B"));
    const [onLight = "", onDark = ""] = text.split(/^.*background.*\n/m).slice(1);
    assert.equal(readTerminal(onLight, LIGHT), SCANNED);
    assert.equal(readTerminal(onDark, DARK), SCANNED);
  });

  it("has four light modules on each side, and says how wide its lines are", async () => {
    const code = await QrCode.of("phone", CONFIG);
    const lines = code.plainText().split("\n");
    assert.equal(lines.length, code.height);
    for (const line of lines) assert.match(line, new RegExp(`^ {4}.{${code.width - 8}} {4}$`));
    assert.deepEqual(
      [...lines.slice(0, 2), ...lines.slice(-2)].map((line) => line.trim()),
      ["", "", "", ""],
    );
  });

  it("of a device with one relay fits into 80 columns", async () => {
    const withAll = CONFIG.replace(
      "AllowedIPs",
      `PresharedKey = ${privateKeyOf("seed").reveal()}\nAllowedIPs`,
    ).replace("Address", "DNS = 10.86.0.1, mesh.internal\nMTU = 1280\nAddress");
    assert.ok((await QrCode.of("phone", withAll)).width <= 80);
  });

  it("is read from its PNG file, which is black on white", async () => {
    const { width, height, data } = PNG.sync.read(await (await QrCode.of("phone", CONFIG)).png());
    const isBlack = (x: number, y: number) => data[(y * width + x) * 4] === 0;
    assert.equal(readPixels(width, height, isBlack), SCANNED);
    assert.ok(data.every((byte, at) => (at % 4 === 3 ? byte === 255 : byte === 0 || byte === 255)));
  });

  it("is an SVG file with a white ground of its own", async () => {
    const svg = await (await QrCode.of("phone", CONFIG)).svg();
    assert.match(svg, /^<svg [^>]*><path fill="#ffffff" d="M0 0h\d+v\d+H0z"\/>/);
  });
});
