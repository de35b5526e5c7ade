/** The tasks of a model host between two pushes (mesh/host/tasks.ts). */
import type { Host } from "./host";
import { nftLoad } from "./nft-load";

/** The host's program, verb `tasks`. */
export function beginTasks(host: Host): void {
  host.tickerRuns = tasksOf(host).length > 0;
  round(host);
}

/** One round of the timer: removes expired peers, and resolves the names of silent peers again. */
export function round(host: Host): void {
  const tasks = tasksOf(host);
  if (host.table === null && host.links.has("wg0") && tasks.some(([what]) => what === "own-way")) {
    const live = host.files.get("/etc/wireguard/wg0.conf") ?? "";
    const file = [...host.files].find(([path]) => path.endsWith(".nft") && live.includes(path));
    if (file !== undefined) nftLoad(host, file[1].trimEnd().split("\n"));
  }
  const silence = Number(tasks.find(([what]) => what === "silence")?.[1]);
  const devices = ["wg0", "wg0-next"].flatMap((name) => host.links.get(name)?.wg ?? []);
  for (const { peers } of devices) {
    for (const [what, key = "", one = "", two = ""] of tasks) {
      if (what === "expire" && Number(one) <= host.now) peers.delete(key);
      const peer = what === "resolve" ? peers.get(key) : undefined;
      if (peer === undefined) continue;
      if (peer.endpoint !== null && host.now - peer.handshake <= silence) continue;
      const answers = (host.resolver.get(one) ?? []).map((address) => `${address}:${two}`);
      if (!answers.includes(peer.endpoint ?? "")) peer.endpoint = answers[0] ?? peer.endpoint;
    }
  }
}

function tasksOf({ files }: Host): string[][] {
  const lines = (files.get("/var/lib/wireguard-mesh/wg0/tasks") ?? "")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => line.split(" "));
}
