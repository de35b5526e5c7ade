/** The disk image of the virtual machines: built once from Debian's packages, then kept outside of the repository. */
import * as fs from "node:fs";
import * as path from "node:path";
import { exitCode, must, start } from "../process";
import { LabError } from "../world";
import { aptTransport, debianSources } from "./apt";
import {
  DISK_SIZE,
  EXCLUDED,
  furnishScript,
  OFFERED,
  PACKAGES,
  recipeDigest,
  SUITE,
} from "./recipe";
import { needVmTools } from "./tools";

/** The files of a finished image. Nobody writes to them: each machine has a disk of its own on top. */
export interface Image {
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
 * The image of the present recipe: from the cache, else built, which takes minutes and says so through `say`.
 * @throws LabError when tools are missing or the build fails; then nothing half-built is left.
 */
export async function findOrBuildImage(say: (line: string) => void): Promise<Image> {
  needVmTools();
  const image = imageOf(recipeDigest());
  if (fs.existsSync(image.disk)) return image;
  fs.mkdirSync(cacheFolder(), { recursive: true, mode: 0o700 });
  removeAbandoned();
  // It becomes the image by a rename: whoever finds it finds it whole.
  const building = path.join(cacheFolder(), `${BUILDING}${process.pid}`);
  try {
    await build(building, say);
    // Another program may have built the same meanwhile; then that one is as good.
    if (!fs.existsSync(image.disk)) fs.renameSync(path.join(building, "image"), folderOf(image));
  } finally {
    fs.rmSync(building, { recursive: true, force: true });
  }
  return image;
}

const BUILDING = "building-";

function imageOf(digest: string): Image {
  const folder = path.join(cacheFolder(), `vm-${digest}`);
  const file = (name: string): string => path.join(folder, name);
  return { digest, disk: file("disk.raw"), kernel: file("vmlinuz"), initrd: file("initrd.img") };
}

function folderOf(image: Image): string {
  return path.dirname(image.disk);
}

async function build(folder: string, say: (line: string) => void): Promise<void> {
  const root = path.join(folder, "root");
  const image = path.join(folder, "image");
  fs.mkdirSync(image, { recursive: true, mode: 0o700 });
  say("Building the virtual machines' disk from Debian's packages; once, one to five minutes.");
  await bootstrap(folder, root, say);
  const takeOut = ["cp", "--dereference", "--"];
  await must([...takeOut, path.join(root, "vmlinuz"), path.join(image, "vmlinuz")]);
  await must([...takeOut, path.join(root, "initrd.img"), path.join(image, "initrd.img")]);
  say("Writing the disk image.");
  const disk = path.join(image, "disk.raw");
  await must(["mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", root, disk, DISK_SIZE], {
    timeoutMs: 300_000,
  });
  await must(["sync", "--file-system", disk], { timeoutMs: 300_000 });
}

async function bootstrap(folder: string, root: string, say: (line: string) => void): Promise<void> {
  const sources = await debianSources();
  const transport = path.join(folder, "apt.conf");
  fs.writeFileSync(transport, `${(await aptTransport()).join("\n")}\n`, { mode: 0o600 });
  // What is cut short takes all its children along: they live in a process namespace of their own.
  const child = start(
    [
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
      ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"],
      ...[`--include=${PACKAGES.join(",")}`, `--aptopt=${transport}`],
      ...["force-unsafe-io", ...EXCLUDED.map((files) => `path-exclude=${files}`)].map(
        (option) => `--dpkgopt=${option}`,
      ),
      `--customize-hook=${furnishScript()}`,
      ...[SUITE, root, ...(sources.length === 0 ? [] : ["-"])],
    ],
    { env: { ...process.env, OFFERED: OFFERED.join(" ") }, stdio: ["pipe", "ignore", "pipe"] },
  );
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(sources.map((line) => `${line}\n`).join(""));
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words += text;
    for (const line of text.match(/^I: .*$/gm) ?? []) say(`  ${line.slice(3)}`);
  });
  const code = await exitCode(child);
  if (code === 0) return;
  const reason = words.trim().split("\n").slice(-8).join("\n");
  throw new LabError(`The virtual machines' disk could not be built (${code}):\n${reason}`);
}

/** What builders left behind that were killed: their number is in the folder's name. */
function removeAbandoned(): void {
  for (const name of fs.readdirSync(cacheFolder())) {
    if (!name.startsWith(BUILDING)) continue;
    if (fs.existsSync(`/proc/${name.slice(BUILDING.length)}`)) continue;
    fs.rmSync(path.join(cacheFolder(), name), { recursive: true, force: true });
  }
}
