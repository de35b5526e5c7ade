/** The project, stack and stack file that a command works on, found as the engine's CLI finds them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { isMap } from "../../mesh/config/shape-issues";
import { Failure } from "./failure";
import { findEngine } from "./find-engine";

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
 * What `pulumi stack select` recorded for the current backend, in a file in PULUMI_HOME that is named by the sha1 of
 * Pulumi.yaml's path (pulumi v3.276.0, pkg/workspace/settings.go). Reading it is 250 ms faster than running pulumi, which is
 * asked only where the file has selections for other spellings of the backend's URL.
 */
function selectedStack(project: Project): string | null {
  const path = join(realpathSync(project.root), "Pulumi.yaml");
  const digest = createHash("sha1").update(path).digest("hex");
  const file = join(pulumiHome(), "workspaces", `${project.name}-${digest}-workspace.json`);
  const selection = readJson(file);
  const stacks = isMap(selection["stacks"]) ? selection["stacks"] : {};
  const backend = currentBackend(project);
  if (backend !== null && Object.hasOwn(stacks, backend)) return textOrNull(stacks[backend]);
  if (Object.keys(stacks).length > 0) return askSelectedStack(project);
  // Before 3.251 there was one selection for all backends.
  return textOrNull(selection["stack"]);
}

/** The URL of the backend that the engine uses: pulumi v3.276.0, pkg/workspace/creds.go. */
function currentBackend(project: Project): string | null {
  const settings: unknown = parse(readFileSync(join(project.root, "Pulumi.yaml"), "utf8"));
  const backend = isMap(settings) && isMap(settings["backend"]) ? settings["backend"] : {};
  const credentials = process.env["PULUMI_CREDENTIALS_PATH"] ?? pulumiHome();
  return (
    textOrNull(process.env["PULUMI_BACKEND_URL"]) ??
    textOrNull(backend["url"]) ??
    textOrNull(readJson(join(credentials, "credentials.json"))["current"])
  );
}

/** Null also where the engine is missing or has no backend. */
function askSelectedStack(project: Project): string | null {
  try {
    const args = ["stack", "--show-name", "--non-interactive"];
    const output = execFileSync(findEngine(project.root), args, {
      cwd: project.root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });
    return textOrNull(output.trim());
  } catch {
    return null;
  }
}

function pulumiHome(): string {
  return process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi");
}

/** Empty for a file that does not exist. */
function readJson(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  const value: unknown = JSON.parse(readFileSync(file, "utf8"));
  return isMap(value) ? value : {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
