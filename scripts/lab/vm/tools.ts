/** Which programs of the machine the virtual machines need; the list is data, so that the set-up can read it too. */
import * as fs from "node:fs";
import * as path from "node:path";
import { LabError } from "../world";
import toolList from "./tool-list.json";

/** In the form of scripts/setup/system-tools.mjs; `tool` is a program on PATH, or a file when it begins with /. */
export const VM_TOOLS: readonly { tool: string; why: string; apt: string }[] = toolList;

const SBIN = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @throws LabError naming every package that is missing and the command that installs them. */
export function needVmTools(): void {
  if (process.arch !== "x64") {
    throw new LabError(`The lab's virtual machines are amd64; this machine is ${process.arch}.`);
  }
  const missing = VM_TOOLS.filter(({ tool }) => !isHere(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ apt }) => apt))].join(" ");
  throw new LabError(
    `Virtual machines need ${missing.map(({ tool }) => tool).join(", ")}, which this machine does not have. ` +
      `On Debian and Ubuntu: apt-get install --no-install-recommends ${packages}`,
  );
}

function isHere(tool: string): boolean {
  if (tool.startsWith("/")) return fs.existsSync(tool);
  const folders = [...(process.env["PATH"] ?? "").split(":"), ...SBIN];
  return folders.some((folder) => fs.existsSync(path.join(folder, tool)));
}
