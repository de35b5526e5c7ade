/** A picture as SVG, drawn by Graphviz in WebAssembly. */
import { dotOf, FONT } from "../../mesh/graph/dot";
import type { Picture } from "../../mesh/graph/picture";

/** Graphviz is loaded only here: it takes a tenth of a second. */
export async function svgOf(picture: Picture): Promise<string> {
  const { Graphviz } = await import("@hpcc-js/wasm-graphviz");
  const graphviz = await Graphviz.load();
  const svg = graphviz.dot(dotOf(picture), "svg");
  return (
    svg
      // Viewers show titles as tooltips, and these are internal names.
      .replaceAll(/<title>.*<\/title>\n|<!--[^]*?-->\n/g, "")
      // Once for the whole picture, with fallbacks of the same width, so that texts fit into their boxes.
      .replaceAll(` font-family="${FONT}"`, "")
      .replace("<svg ", `<svg font-family="${FONT},'DejaVu Sans',sans-serif" `)
  );
}
