/** The record of wg-easy up to version 14, `wg0.json`: its clients with their names and keys. */
import { isMap } from "../config/shape-issues";
import { isKey } from "../key-text";
import { Secret } from "../secret";
import type { Problem } from "../wg-quick/file";
import type { KnownNode } from "./nodes";
import { isAddress } from "./settings";

/** wg-easy's defaults for client files: WG_ALLOWED_IPS and WG_DEFAULT_DNS. */
const DEFAULTS = { blockIpv6: true, dns: "1.1.1.1" };

export function wgEasyClients(
  text: Secret,
  source: string,
): { known: KnownNode[]; problems: Problem[] } {
  const record = parsed(text);
  const clients = isMap(record) && isMap(record["server"]) ? record["clients"] : undefined;
  if (!isMap(clients)) {
    const message = "is not wg-easy's record: it has no server and clients";
    return { known: [], problems: [{ at: source, message, remedy: "leave it out" }] };
  }
  const known: KnownNode[] = [];
  const problems: Problem[] = [];
  Object.values(clients).forEach((client, at) => {
    const node = isMap(client) ? clientOf(client, at) : null;
    if (node !== null) known.push(node);
    else
      problems.push({
        at: `${source}, client ${at + 1}`,
        message: "has no valid publicKey, or an invalid address",
        remedy: "remove it in wg-easy, or correct the file",
      });
  });
  return { known, problems };
}

function clientOf(client: Record<string, unknown>, at: number): KnownNode | null {
  const { name, publicKey, privateKey, preSharedKey, address, enabled } = client;
  if (typeof publicKey !== "string" || !isKey(publicKey)) return null;
  if (typeof address === "string" && !isAddress(address)) return null;
  return {
    publicKey,
    name: typeof name === "string" ? name : `client-${at + 1}`,
    privateKey: keyIn(privateKey),
    address: typeof address === "string" ? address : null,
    enabled: enabled !== false,
    presharedKey: keyIn(preSharedKey),
    fields: DEFAULTS,
  };
}

function keyIn(value: unknown): Secret | null {
  return typeof value === "string" && isKey(value) ? Secret.of(value) : null;
}

function parsed(text: Secret): unknown {
  try {
    return JSON.parse(text.reveal());
  } catch {
    return null;
  }
}
