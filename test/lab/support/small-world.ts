/** Worlds for the lab's tests, and what they ask of them again and again. */
import type { Lab } from "../../../scripts/lab/lab";
import { waitFor } from "../../../scripts/lab/process";
import type { World } from "../../../scripts/lab/world";

const PATIENCE_MS = 15_000;

/** A relay on the internet, a desktop and a laptop behind a router each; the desktop's sshd is forwarded at port 2222. */
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

/** Whether a ping from a node is answered within two seconds. */
export async function answers(lab: Lab, from: string, to: string): Promise<boolean> {
  const ping = await lab.exec(from, ["ping", "-n", "-c", "1", "-W", "2", to]);
  return ping.code === 0;
}

/** Whether a ping is answered sooner or later: a busy machine or a neighbour just forgotten may cost the first ones. */
export async function comesToAnswer(lab: Lab, from: string, to: string): Promise<boolean> {
  const answered = async () => ((await answers(lab, from, to)) ? true : undefined);
  return (await waitFor(answered, PATIENCE_MS)) ?? false;
}

/** Waits until a host's sshd has written something. */
export async function logged(lab: Lab, host: string, pattern: RegExp): Promise<boolean> {
  const written = () => (pattern.test(lab.sshLog(host)) ? true : undefined);
  return (await waitFor(written, PATIENCE_MS)) ?? false;
}

/** The first line that a TCP server says to a node, or "" when nobody answers within two seconds. */
export async function greeting(
  lab: Lab,
  from: string,
  address: string,
  port: number,
): Promise<string> {
  const listen = `exec 3<>/dev/tcp/${address}/${port} && head -n 1 <&3`;
  const heard = await lab.exec(from, ["timeout", "2", "bash", "-c", listen]);
  return heard.stdout.trim();
}

/** Logs in from the operator's side, as root or as another user, and runs a command there. */
export function login(lab: Lab, address: string, command: string, user = "root") {
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  return lab.exec("operator", [
    ...["ssh", "-F", "none", "-i", lab.folder.sshKey],
    ...options.flatMap((option) => ["-o", option]),
    ...[`${user}@${address}`, command],
  ]);
}
