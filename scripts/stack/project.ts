/** Finds the project, the stack and the stack file of a command, by the same rules as the engine's CLI. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isMap, nearest } from "../../mesh/config/shape-issues";
import { Failure } from "./failure";
import { findEngine } from "./find-engine";
import { NAMESPACE } from "./stack-file";
import { decode } from "./user-file";
import { parseYaml } from "./yaml-values";

/** A folder with a Pulumi.yaml. */
export interface Project {
  root: string;
  name: string;
  /** Where its stack files are: the folder, or `stackConfigDir` in it. */
  stackFiles: string;
  /** `backend.url` of Pulumi.yaml. */
  backend: string | null;
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
    "name one with --stack NAME, select one with `npx pulumi stack select NAME`, or make one: npx wireguard-mesh init",
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

/** ` --stack NAME` for a command in a message; empty if this stack is the default. */
export function stackFlag({ project, name }: StackRef): string {
  const found = stackNameOr(undefined, null, project);
  return found !== null && shortName(found) === shortName(name)
    ? ""
    : ` --stack ${shortName(name)}`;
}

/** Without the organization and the project. */
export function shortName(stack: string): string {
  return stack.slice(stack.lastIndexOf("/") + 1);
}

/** The failure of a command that needs an existing stack, so that a mistyped name creates no new file. */
export function noStackFile({ name, file, project }: StackRef): Failure {
  const others = stacksWithFile(project);
  const near = nearest(shortName(name), others);
  const known = others.length === 0 ? "" : ` (stacks with a file: ${others.join(", ")})`;
  return new Failure(
    `there is no stack file ${file}`,
    near === undefined
      ? `name another stack with --stack${known}, or make this one: npx wireguard-mesh init --stack ${name}`
      : `did you mean --stack ${near}?`,
    2,
  );
}

/** The stacks that have a file in the project. */
export function stackNames(from = process.cwd()): string[] {
  return stacksWithFile(findProject(from));
}

function stacksWithFile({ stackFiles }: Project): string[] {
  if (!existsSync(stackFiles)) return [];
  return readdirSync(stackFiles)
    .flatMap((file) => /^Pulumi\.([\w.-]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}

/** The nearest folder with a Pulumi.yaml, from `from` upwards. */
function findProject(from: string): Project {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "Pulumi.yaml");
    if (existsSync(path)) return readProject(folder, path);
    if (folder === dirname(folder)) break;
  }
  throw new Failure(
    `there is no Pulumi.yaml in ${from} or above it`,
    "run this inside the project's folder",
    2,
  );
}

/** Reads the relevant keys (pulumi v3.276.0, sdk/go/common/workspace/project.go). */
function readProject(root: string, path: string): Project {
  const { values } = parseYaml(decode(readFileSync(path), path), path);
  const { name, stackConfigDir, config, backend } = isMap(values) ? values : {};
  if (typeof name !== "string")
    throw new Failure(`${path} has no name`, "add to it: `name: wireguard-mesh`", 2);
  refuseProjectConfig(path, name, config);
  // `config: FOLDER` is the older form of `stackConfigDir: FOLDER`.
  const folder = textOrNull(config) ?? textOrNull(stackConfigDir) ?? ".";
  const url = isMap(backend) ? textOrNull(backend["url"]) : null;
  return { root, name, stackFiles: join(root, folder), backend: url };
}

/** The engine adds these values to every stack, but the commands read only the stack file. */
function refuseProjectConfig(path: string, project: string, config: unknown): void {
  const keys = Object.entries(isMap(config) ? config : {})
    .filter(([, value]) => !isMap(value) || "value" in value || "default" in value)
    .map(([key]) => (key.includes(":") ? key : `${project}:${key}`))
    .filter((key) => key.startsWith(NAMESPACE));
  if (keys.length === 0) return;
  throw new Failure(
    `${path} sets ${keys.join(", ")} for all stacks, which the commands do not read`,
    "move that into the stack file, below `config:`",
    2,
  );
}

function stackNameOr(flag: string | undefined, fallback: string | null, project: Project) {
  const named = flag ?? process.env["PULUMI_STACK"] ?? "";
  return named === "" ? (selectedStack(project) ?? fallback) : named;
}

/** `organization/project/dev` has its config in Pulumi.dev.yaml. */
function stackOf(project: Project, name: string): StackRef {
  const short = shortName(name);
  if (!/^[\w.-]{1,100}$/.test(short)) {
    throw new Failure(
      `${JSON.stringify(name)} is not a valid stack name`,
      "use letters, digits, - _ and .",
      2,
    );
  }
  return { project, name, file: join(project.stackFiles, `Pulumi.${short}.yaml`) };
}

/**
 * The stack that `pulumi stack select` recorded for the current backend, in a file in PULUMI_HOME whose name has the sha1 of
 * Pulumi.yaml's path (pulumi v3.276.0, pkg/workspace/settings.go). Reading it is 250 ms faster than running pulumi, which is used
 * only if the file has selections for other spellings of the backend's URL.
 */
function selectedStack(project: Project): string | null {
  const path = join(realpathSync(project.root), "Pulumi.yaml");
  const digest = createHash("sha1").update(path).digest("hex");
  const file = join(pulumiHome(), "workspaces", `${project.name}-${digest}-workspace.json`);
  const selection = readJson(file);
  const stacks = isMap(selection["stacks"]) ? selection["stacks"] : {};
  const backend = currentBackend(project);
  if (backend !== null && Object.hasOwn(stacks, backend)) return textOrNull(stacks[backend]);
  if (Object.keys(stacks).length > 0) return querySelectedStack(project);
  // Before 3.251 there was one selection for all backends.
  return textOrNull(selection["stack"]);
}

/** The URL of the backend that the engine uses: pulumi v3.276.0, pkg/workspace/creds.go. */
function currentBackend(project: Project): string | null {
  const credentials = process.env["PULUMI_CREDENTIALS_PATH"] ?? pulumiHome();
  return (
    textOrNull(process.env["PULUMI_BACKEND_URL"]) ??
    project.backend ??
    textOrNull(readJson(join(credentials, "credentials.json"))["current"])
  );
}

/** Null also if the engine is missing or has no backend. */
function querySelectedStack(project: Project): string | null {
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
