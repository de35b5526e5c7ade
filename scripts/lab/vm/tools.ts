/** The programs that virtual machines need; the list is JSON, so that the set-up can read it too. */
import * as fs from "node:fs";
import * as path from "node:path";
import { LabError } from "../world";
import toolList from "./tool-list.json";

/** Same form as in scripts/setup/system-tools.mjs; `tool` is a program on PATH, or a file if it begins with /. */
const VM_TOOLS: readonly { tool: string; why: string; apt: string }[] = toolList;

const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @throws LabError that names the missing programs and the command that installs them. */
export function requireVmTools(): void {
  if (process.arch !== "x64") {
    throw new LabError(
      `The lab's virtual machines are amd64, but this machine is ${process.arch}.`,
    );
  }
  const missing = VM_TOOLS.filter(({ tool }) => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ apt }) => apt))].join(" ");
  throw new LabError(
    `Virtual machines need these missing programs: ${missing.map(({ tool }) => tool).join(", ")}. ` +
      `On Debian and Ubuntu: apt-get install --no-install-recommends ${packages}`,
  );
}

function isInstalled(tool: string): boolean {
  if (tool.startsWith("/")) return fs.existsSync(tool);
  const folders = [...(process.env["PATH"] ?? "").split(":"), ...SBIN];
  return folders.some((folder) => fs.existsSync(path.join(folder, tool)));
}
