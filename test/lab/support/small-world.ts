/** A world for tests, and common checks of its network. */
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import type { World } from "../../../scripts/lab/world";

/** Longer than a peer needs to notice a lost session (15 s) and to repeat a lost handshake (5 s). */
const LIMIT_MS = 30_000;

/** A relay on the internet, a desktop and a laptop behind one router each; port 2222 is forwarded to the desktop's sshd. */
export function smallWorld(): World {
  return {
    nats: {
      home: {
        public: "203.0.113.21",
        lan: "192.168.1.0/24",
        forward: [[2222, "192.168.1.20:22"]],
      },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      relay: { public: "203.0.113.10", public6: "2001:db8:113::10" },
      desktop: { nat: "home", ip: "192.168.1.20" },
      laptop: { nat: "cafe", ip: "192.168.12.30" },
    },
  };
}

/** Whether a ping gets a reply within two seconds. */
export async function canPing(lab: Lab, from: string, to: string): Promise<boolean> {
  const ping = await lab.exec(from, ["ping", "-n", "-c", "1", "-W", "2", to]);
  return ping.code === 0;
}

/** Like `canPing`, with retries: on a busy machine, or without an ARP entry, the first pings can be lost. */
export async function canPingSoon(
  lab: Lab,
  from: string,
  to: string,
  limitMs = LIMIT_MS,
): Promise<boolean> {
  const answered = async () => ((await canPing(lab, from, to)) ? true : undefined);
  return (await poll(answered, { limitMs, pauseMs: 10 })) ?? false;
}

/** Waits until a host's log, from this character on, matches: sshd writes after the client has ended. @returns whether it does within 30 s */
export async function waitForLog(
  lab: Lab,
  host: string,
  pattern: RegExp,
  from = 0,
): Promise<boolean> {
  const written = () => (pattern.test(lab.sshLog(host).slice(from)) ? true : undefined);
  return (await poll(written, { limitMs: LIMIT_MS, pauseMs: 10 })) ?? false;
}

/** The first line that a TCP server sends, or "" if there is none within two seconds. */
export async function tcpBanner(
  lab: Lab,
  from: string,
  address: string,
  port: number,
): Promise<string> {
  const listen = `exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3`;
  const received = await lab.exec(from, ["timeout", "2", "bash", "-c", listen]);
  return received.stdout.trim();
}

/** Whether an SSH server answers, with retries, as a packet may be lost or the machine be busy. */
export async function reachesSshSoon(
  lab: Lab,
  from: string,
  address: string,
  port = 22,
): Promise<boolean> {
  const answered = async () =>
    (await tcpBanner(lab, from, address, port)).startsWith("SSH-") ? true : undefined;
  return (await poll(answered, { limitMs: LIMIT_MS, pauseMs: 100 })) ?? false;
}

/** Logs in from the operator over SSH and runs a command. */
export function login(lab: Lab, address: string, command: string, user = "root") {
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  return lab.exec("operator", [
    ...["ssh", "-F", "none", "-i", lab.folder.sshKey],
    ...options.flatMap((option) => ["-o", option]),
    ...[`${user}@${address}`, command],
  ]);
}
