/** The disk image of the virtual machines: built once from Debian's packages and cached outside the repository. */
import * as fs from "node:fs";
import * as path from "node:path";
import { exitCode, runOrThrow, start } from "../process";
import { LabError } from "../world";
import { aptTransport, debianSources } from "./apt";
import {
  DISK_SIZE,
  EXCLUDED,
  customizeScript,
  OFFERED,
  PACKAGES,
  recipeDigest,
  SUITE,
} from "./recipe";
import { requireVmTools } from "./tools";

/** The files of a finished image. They are read-only: each machine has a copy-on-write disk over them. */
export interface DiskImage {
  digest: string;
  /** Raw ext4 file system, without partitions. */
  disk: string;
  kernel: string;
  initrd: string;
}

/** $XDG_CACHE_HOME or /var/cache. */
export function cacheFolder(): string {
  return path.join(process.env["XDG_CACHE_HOME"] || "/var/cache", "wireguard-mesh");
}

/**
 * Returns the image of the current recipe from the cache, or builds it, which takes minutes; progress goes to `log`.
 * @throws LabError when tools are missing or the build fails; an incomplete image is removed.
 */
export async function findOrBuildImage(log: (line: string) => void): Promise<DiskImage> {
  requireVmTools();
  const image = imageOf(recipeDigest());
  if (fs.existsSync(image.disk)) return image;
  fs.mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
  removeAbandoned();
  // Published by a rename, so that other processes never see an incomplete image.
  const building = path.join(cacheFolder(), `${BUILDING}${process.pid}`);
  try {
    await build(building, log);
    // Another process may have built the same image meanwhile; then use that one.
    if (!fs.existsSync(image.disk)) fs.renameSync(path.join(building, "image"), folderOf(image));
  } finally {
    fs.rmSync(building, { recursive: true, force: true });
  }
  return image;
}

const BUILDING = "building-";

function imageOf(digest: string): DiskImage {
  const folder = path.join(cacheFolder(), `vm-${digest}`);
  const file = (name: string): string => path.join(folder, name);
  return { digest, disk: file("disk.raw"), kernel: file("vmlinuz"), initrd: file("initrd.img") };
}

function folderOf(image: DiskImage): string {
  return path.dirname(image.disk);
}

async function build(folder: string, log: (line: string) => void): Promise<void> {
  const root = path.join(folder, "root");
  const image = path.join(folder, "image");
  fs.mkdirSync(image, { recursive: true, mode: 0o700 });
  log(
    "Building the virtual machines' disk image from Debian's packages (once; one to five minutes).",
  );
  await bootstrap(folder, root, log);
  const copy = ["cp", "--dereference", "--"];
  await runOrThrow([...copy, path.join(root, "vmlinuz"), path.join(image, "vmlinuz")]);
  await runOrThrow([...copy, path.join(root, "initrd.img"), path.join(image, "initrd.img")]);
  log("Writing the disk image.");
  const disk = path.join(image, "disk.raw");
  await runOrThrow(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, disk, DISK_SIZE], {
    timeoutMs: 300_000,
  });
  await runOrThrow(["sync", "--file-system", disk], { timeoutMs: 300_000 });
}

async function bootstrap(folder: string, root: string, log: (line: string) => void): Promise<void> {
  const sources = await debianSources();
  const transport = path.join(folder, "apt.conf");
  fs.writeFileSync(transport, `${(await aptTransport()).join("\n")}\n`, { mode: 0o600 });
  // In a PID namespace of its own, so that an interrupted build takes all its children with it.
  const child = start(
    [
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"],
      ...[`--include=${PACKAGES.join(",")}`, `--aptopt=${transport}`],
      ...["force-unsafe-io", ...EXCLUDED.map((files) => `path-exclude=${files}`)].map(
        (option) => `--dpkgopt=${option}`,
      ),
      `--customize-hook=${customizeScript()}`,
      ...[SUITE, root, ...(sources.length === 0 ? [] : ["-"])],
    ],
    { env: { ...process.env, OFFERED: OFFERED.join(" ") }, stdio: ["pipe", "ignore", "pipe"] },
  );
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(sources.map((line) => `${line}\n`).join(""));
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    for (const line of text.match(/^I: .*$/gm) ?? []) log(`  ${line.slice(3)}`);
  });
  const code = await exitCode(child);
  if (code === 0) return;
  const reason = output.trim().split("\n").slice(-8).join("\n");
  throw new LabError(`The virtual machines' disk image could not be built (${code}):\n${reason}`);
}

/** Removes the folders of builders that were killed; the builder's pid is in the folder's name. */
function removeAbandoned(): void {
  for (const name of fs.readdirSync(cacheFolder())) {
    if (!name.startsWith(BUILDING)) continue;
    if (fs.existsSync(`/proc/${name.slice(BUILDING.length)}`)) continue;
    fs.rmSync(path.join(cacheFolder(), name), { recursive: true, force: true });
  }
}
