/** Finds what a lab has left behind on the machine. */
import * as fs from "node:fs";

/** The namespaces, mounts, processes and folder of a lab; empty if nothing is left. */
export function leftovers(id: string): string[] {
  return [...namespacesLeft(id), ...mountsLeft(id), ...processesLeft(id), ...folderLeft(id)];
}

function namespacesLeft(id: string): string[] {
  if (!fs.existsSync("/run/netns")) return [];
  const names = fs.readdirSync("/run/netns").filter((name) => name.startsWith(`wgm-${id}.`));
  return names.map((name) => `namespace ${name}`);
}

function mountsLeft(id: string): string[] {
  const lines = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const left = lines.filter((line) => line.includes(`/${id}/`) || line.includes(`wgm-${id}.`));
  return left.map((line) => `mount ${line}`);
}

/** Found by command line, and by mounts: a host's processes have its disk mounted. */
function processesLeft(id: string): string[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => Number(pid) !== process.pid)
    .filter((pid) =>
      ["cmdline", "mountinfo"].some((file) => contentOf(pid, file).includes(`mesh-lab/${id}/`)),
    )
    .map((pid) => `process ${pid} ${contentOf(pid, "cmdline").replaceAll("\0", " ")}`);
}

function folderLeft(id: string): string[] {
  const folder = `/var/tmp/wireguard-mesh-lab/${id}`;
  return fs.existsSync(folder) ? [`folder ${folder}`] : [];
}

function contentOf(pid: string, file: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // The process has ended.
    return "";
  }
}
