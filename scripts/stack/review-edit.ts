/** What an edit of the stack file would do to the network: looked at before anything is written. */
import { formatIssues, type Issue } from "../../mesh/config/issue";
import { readDraft, type RawConfig } from "../../mesh/config/read-draft";
import type { Draft } from "../../mesh/config/draft";
import { readMesh, type Mesh } from "../../mesh/mesh";
import { Failure } from "./failure";
import { readConfig, readSettings } from "./stack-file";

/** The config of a file that may have none yet. */
export function readConfigSoFar(text: string, where: string): RawConfig {
  const { config } = readSettings(text, where);
  return config === undefined || config === null ? {} : readConfig(text, where);
}

/** The config as far as it can be read, mistakes aside: who is there, and which addresses are taken. */
export function readNodes(config: RawConfig): Draft {
  return readDraft(config, Date.now()).draft;
}

/**
 * The network after an edit. Mistakes that were there before do not forbid it, so that a file can be mended step by
 * step; one that the edit brings is a Failure, and the file stays as it is.
 */
export function reviewEdit(before: RawConfig, after: RawConfig): Mesh {
  const now = Date.now();
  const known = new Set(errorsOf(readMesh(before, now)).map(({ path, message }) => path + message));
  const mesh = readMesh(after, now);
  const fresh = errorsOf(mesh).filter(({ path, message }) => !known.has(path + message));
  if (fresh.length === 0) return mesh;
  throw new Failure(`this would be wrong, so nothing was written:\n${formatIssues(fresh)}`);
}

function errorsOf(mesh: Mesh): Issue[] {
  return mesh.issues.filter((issue) => issue.severity === "error");
}
