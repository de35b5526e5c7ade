/** A second network in the same namespaces as the mesh's wg0, with wg-quick(8) files as people write them by hand. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { makeKeyPair } from "../stack/new-node";
import type { Lab } from "../lab/lab";
import { LabError } from "../lab/world";
import { addressOf } from "./large-network";

export const HAND_MADE = "hand0";
/** The address of each host by its index; the relay is the first. */
export const handMadeAddress = (at: number): string => addressOf(at + 1).replace("10.0.", "10.99.");
const PORT = 51999;

export function handMadeBackend(): string {
  return existsSync("/sys/module/wireguard")
    ? "kernel WireGuard"
    : "wireguard-go (no kernel WireGuard)";
}

/** `devices`: the number of the relay's peers besides the hosts. @throws LabError when wg-quick does not bring it up. */
export async function upByHand(lab: Lab, devices = 0): Promise<void> {
  const nodes = lab.hosts.map((name, at) => ({ name, at, keys: makeKeyPair() }));
  const [relay, ...peers] = nodes;
  if (relay === undefined) return;
  const endpoint = `Endpoint = 203.0.113.10:${PORT}\nPersistentKeepalive = 25\n`;
  const head = ({ at, keys }: (typeof nodes)[number], more: string): string =>
    `[Interface]\nPrivateKey = ${keys.privateKey.reveal()}\nAddress = ${handMadeAddress(at)}/16\n${more}`;
  const peer = ({ keys }: (typeof nodes)[number], allowed: string): string =>
    `\n[Peer]\nPublicKey = ${keys.publicKey}\nAllowedIPs = ${allowed}\n`;
  const spokes = peers.map((one) => peer(one, `${handMadeAddress(one.at)}/32`));
  const others = Array.from({ length: devices }, (_, at) => {
    const publicKey = randomBytes(32).toString("base64");
    return `\n[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = ${handMadeAddress(at + nodes.length)}/32\n`;
  });
  const all = [head(relay, `ListenPort = ${PORT}\nTable = off\n`), ...spokes, ...others];
  await write(lab, relay.name, all.join(""));
  for (const one of peers)
    await write(lab, one.name, head(one, "") + peer(relay, "10.99.0.0/16") + endpoint);
}

async function write(lab: Lab, host: string, text: string): Promise<void> {
  const file = `/etc/wireguard/${HAND_MADE}.conf`;
  // In its own session, like a login: the kernel divides CPU time by session (sched(7), autogroup).
  const script = `umask 077; cat >${file} && setsid --wait wg-quick up ${HAND_MADE}`;
  await execute(lab, host, ["sh", "-c", script], text);
}

/** @returns its stdout. @throws LabError when it fails. */
export async function execute(lab: Lab, host: string, argv: string[], input = ""): Promise<string> {
  const done = await lab.exec(host, argv, { input });
  if (done.code === 0) return done.stdout;
  throw new LabError(`${argv.join(" ")} failed on ${host}: ${done.stderr}${done.stdout}`);
}
