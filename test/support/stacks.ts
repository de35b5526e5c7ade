/** Stack configs as the engine passes them to the program. */
import type { Stack } from "./engine-mock";
import { hostKeyLine, keyPair } from "./key-pairs";
import { PRESHARED_KEY_SEED } from "./networks";

export const SSH_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.alloc(96, 9).toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;

const names = ["tokyo", "osaka", "desktop", "laptop", "phone", "nas"];

/** Two relays, one pushed to through the other; three peers with a host, and a phone. */
const relays = {
  tokyo: { ...node("tokyo"), host: "root@203.0.113.10", hostKey: hostKeyLine(0) },
  osaka: {
    ...node("osaka"),
    host: "root@via:tokyo",
    hostKey: hostKeyLine(1),
    endpoint: "203.0.113.11:51820",
  },
};
const peers = {
  desktop: { ...node("desktop"), host: "taro@192.168.1.20", hostKey: hostKeyLine(2) },
  laptop: { ...node("laptop"), host: "local" },
  phone: node("phone"),
  nas: { ...node("nas"), host: "admin@via:tokyo", hostKey: hostKeyLine(5), relay: "osaka" },
};

/** Every WireGuard secret of the stack. */
export const secretsOfStack = [...names.map((name) => pairOf(name).privateKey), PRESHARED_KEY_SEED];

export function goodStack(preview = false): Stack {
  return {
    preview,
    secrets: ["privateKeys", "presharedKeySeed", "sshPrivateKey"],
    config: {
      relays: JSON.stringify(relays),
      peers: JSON.stringify(peers),
      privateKeys: JSON.stringify(
        Object.fromEntries(names.map((name) => [name, pairOf(name).privateKey])),
      ),
      presharedKeySeed: PRESHARED_KEY_SEED,
      sshPrivateKey: SSH_KEY,
    },
  };
}

/** The same network with its maps in reverse order. */
export function reversedStack(): Stack {
  const stack = goodStack();
  const reverse = (map: object) =>
    JSON.stringify(Object.fromEntries(Object.entries(map).reverse()));
  return { ...stack, config: { ...stack.config, peers: reverse(peers), relays: reverse(relays) } };
}

function node(name: string): { address: string; publicKey: string } {
  return { address: `10.86.0.${names.indexOf(name) + 1}`, publicKey: pairOf(name).publicKey };
}

function pairOf(name: string) {
  return keyPair(names.indexOf(name));
}
