/** A picture as SVG, drawn by Graphviz in WebAssembly. */
import { dotOf, FONT } from "../../mesh/graph/dot";
import type { Picture } from "../../mesh/graph/picture";

/** Loads Graphviz on demand, because that takes a tenth of a second. */
export async function svgOf(picture: Picture): Promise<string> {
  const { Graphviz } = await import("@hpcc-js/wasm-graphviz");
  const graphviz = await Graphviz.load();
  const svg = graphviz.dot(dotOf(picture), "svg");
  return (
    svg
      // Viewers show titles as tooltips, and these are internal names.
      .replaceAll(/<title>.*<\/title>\n|<!--[^]*?-->\n/g, "")
      // Set once for the whole picture, with fallback fonts of the same width, so that text fits into its box.
      .replaceAll(` font-family="${FONT}"`, "")
      .replace("<svg ", `<svg font-family="${FONT},'DejaVu Sans',sans-serif" `)
  );
}
