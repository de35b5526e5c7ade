/** The project, stack and stack file that a command works on, found as the engine's CLI finds them. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { Failure } from "./failure";

/** A folder with a Pulumi.yaml. */
export interface Project {
  root: string;
  name: string;
}

/** A stack of a project. */
export interface StackRef {
  project: Project;
  /** As given to the engine: `dev`, or `organization/project/dev`. */
  name: string;
  /** The stack file; it may not exist yet. */
  file: string;
}

/**
 * The stack that `--stack` names, else PULUMI_STACK, else the selected one.
 * @throws Failure when there is none of these.
 */
export function findStack(flag: string | undefined, from = process.cwd()): StackRef {
  const project = findProject(from);
  const name = stackNameOr(flag, null, project);
  if (name !== null) return stackOf(project, name);
  throw new Failure(
    "no stack is selected",
    "name one with --stack NAME, select one with `pulumi stack select NAME`, or make one: npx wireguard-mesh init",
    2,
  );
}

/** Like findStack, with a name to use when none is given or selected. */
export function findStackOr(
  flag: string | undefined,
  fallback: string,
  from = process.cwd(),
): StackRef {
  const project = findProject(from);
  return stackOf(project, stackNameOr(flag, fallback, project) ?? fallback);
}

/** The nearest folder with a Pulumi.yaml, from `from` upwards. */
function findProject(from: string): Project {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "Pulumi.yaml");
    if (existsSync(path)) return { root: folder, name: nameIn(path) };
    if (folder === dirname(folder)) break;
  }
  throw new Failure(
    `there is no Pulumi.yaml in ${from} or above it`,
    "run this inside the project's folder",
    2,
  );
}

function nameIn(path: string): string {
  const project: unknown = parse(readFileSync(path, "utf8"));
  const name =
    typeof project === "object" && project !== null && "name" in project ? project.name : undefined;
  if (typeof name === "string") return name;
  throw new Failure(`${path} has no name`, "add to it: `name: wireguard-mesh`", 2);
}

function stackNameOr(flag: string | undefined, fallback: string | null, project: Project) {
  const named = flag ?? process.env["PULUMI_STACK"] ?? "";
  return named === "" ? (selectedStack(project) ?? fallback) : named;
}

/** `organization/project/dev` has its config in Pulumi.dev.yaml. */
function stackOf(project: Project, name: string): StackRef {
  const short = name.slice(name.lastIndexOf("/") + 1);
  if (!/^[\w.-]{1,100}$/.test(short)) {
    throw new Failure(
      `${JSON.stringify(name)} is not a valid stack name`,
      "use letters, digits, - _ and .",
      2,
    );
  }
  return { project, name, file: join(project.root, `Pulumi.${short}.yaml`) };
}

/**
 * What `pulumi stack select` recorded, in a file in PULUMI_HOME that is named by the sha1 of Pulumi.yaml's path
 * (pulumi v3.250.0, sdk/go/common/workspace/workspace.go). Reading it is 250 ms faster than running pulumi.
 */
function selectedStack(project: Project): string | null {
  const home = process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi");
  const path = join(realpathSync(project.root), "Pulumi.yaml");
  const digest = createHash("sha1").update(path).digest("hex");
  const file = join(home, "workspaces", `${project.name}-${digest}-workspace.json`);
  if (!existsSync(file)) return null;
  const selection: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (typeof selection !== "object" || selection === null || !("stack" in selection)) return null;
  return typeof selection.stack === "string" && selection.stack !== "" ? selection.stack : null;
}
