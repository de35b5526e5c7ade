/** A page to give to the owner of a device: one HTML file that loads nothing. It holds the config, so it is secret. */
import { createHash } from "node:crypto";
import { expirySeconds, formatTime } from "../../../mesh/config/activity";
import { exitsOf } from "../../../mesh/plan/nat-plan";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { reachFrom, type Reach } from "../../../mesh/plan/reach";
import { stepsFor } from "./steps";
import { STYLE } from "./style";

interface PageParts {
  node: NodePlan;
  plan: Plan;
  /** The wg-quick(8) file. */
  file: string;
  /** The QR code as SVG; null if the file is too large. */
  code: string | null;
}

export function handOverPage(parts: PageParts): string {
  const { node, plan, file, code } = parts;
  const title = `WireGuard config of ${node.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
<p class="warning"><strong>Keep it secret.</strong> Anyone with this page can join the network as
<b>${escape(node.name)}</b>. It is for one device: do not use it on two. Delete it when the device has
it.</p>
${codeBlock(code)}
<p><a class="button" download="${tunnelName(node)}.conf" href="${dataLink(file)}">Download ${tunnelName(node)}.conf</a></p>
${gapBlock(node)}
<h2>Set it up</h2>
${stepsBlock(parts)}
<h2>What it reaches</h2>
${reachBlock(node, plan)}
${expiryBlock(node)}
<h2>Without a download</h2>
<details>
<summary>Show the file, to copy it</summary>
<pre>${escape(file)}</pre>
</details>
</main>
</body>
</html>
`;
}

/** Content Security Policy: allows only this page's own style, by its digest. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

function codeBlock(code: string | null): string {
  if (code === null) return "";
  return `<div class="code" role="img" aria-label="QR code of the config">${code.trim()}</div>
<p class="hint">For a phone: scan it with the WireGuard app, not with the camera.</p>`;
}

function gapBlock({ custody }: NodePlan): string {
  if (custody !== "device") return "";
  return `<p class="warning">The file has a gap: in place of its line <code># PrivateKey</code> put
<code>PrivateKey = </code> and the private key that this device keeps.</p>`;
}

function stepsBlock({ node, code }: PageParts): string {
  const scan = code !== null;
  return stepsFor(tunnelName(node), { scan, dns: hasDns(node) })
    .map(
      ({ platform, steps }) =>
        `<details>\n<summary>${platform}</summary>\n<ol>\n${steps
          .map((step) => `<li>${step}</li>`)
          .join("\n")}\n</ol>\n</details>`,
    )
    .join("\n");
}

function hasDns({ dns, dnsServers }: NodePlan): boolean {
  return dns !== undefined || dnsServers !== undefined;
}

/** Apps and kernels take a tunnel's name from its file: 15 characters at most. */
function tunnelName({ name }: NodePlan): string {
  return name.slice(0, 15).replace(/-+$/, "");
}

function dataLink(file: string): string {
  return `data:application/octet-stream;base64,${Buffer.from(file).toString("base64")}`;
}

/** More places than these are only counted. */
const MAX_PLACES = 20;

function reachBlock(node: NodePlan, plan: Plan): string {
  const places = reachFrom(node, plan);
  const shown = places.slice(0, MAX_PLACES).map((place) => placeText(place, node, plan));
  const more = places.length - shown.length;
  const items = [...shown, ...(more > 0 ? [`and ${more} more`] : [])];
  const list = items.map((item) => `<li>${item}</li>`).join("\n");
  const reached =
    items.length === 0
      ? "<p>It may start no connection in the network.</p>"
      : `<p>While the tunnel is on, this device reaches:</p>\n<ul>\n${list}\n</ul>`;
  const exit = exitsOf(plan.nodes)[node.name];
  const rest =
    exit === undefined
      ? "<p>Everything else, such as web pages, goes past the tunnel as before.</p>"
      : `<p>All its other traffic goes to the internet through <b>${escape(exit)}</b>.</p>`;
  return `${reached}\n${rest}`;
}

/** `nas (10.86.0.5)` or `192.168.1.0/24, the network behind nas`, with the allowed ports if they are limited. */
function placeText({ to, path, ports }: Reach, node: NodePlan, plan: Plan): string {
  const other = plan.nodes.find(({ name }) => name === to);
  const name = node.dns === undefined ? to : `${to}.${node.dns.domain}`;
  const place =
    other === undefined
      ? `${escape(to)}, the network behind ${escape(path.at(-1) ?? "")}`
      : `<b>${escape(name)}</b> (${escape(other.address.text)})`;
  if (ports === undefined) return place;
  return `${place}: ${ports.length === 0 ? "ping only" : `only ${escape(ports.join(", "))}`}`;
}

function expiryBlock({ expires }: NodePlan): string {
  if (expires === undefined) return "";
  const time = formatTime(expirySeconds(expires)).replace(/T(.*?)(:00)?Z$/, " $1 UTC");
  return `<p class="warning">It stops working at <b>${time}</b>.</p>`;
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
