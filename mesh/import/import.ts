/** Converts the files of an existing WireGuard network to stack config, and lists the differences that remain. */
import { formatIssues, type Issue } from "../config/issue";
import { linkName } from "../config/link-keys";
import type { RawConfig } from "../config/read-draft";
import { readMesh } from "../mesh";
import type { Plan } from "../plan/plan";
import { renderConfig, type Keyring } from "../render/render";
import type { Secret } from "../secret";
import type { Problem, WgQuickFile } from "../wg-quick/file";
import { parseWgQuick } from "../wg-quick/parse";
import { compareFiles } from "./compare";
import type { Fields } from "./fields";
import { infer, type Inferred, type InferOptions } from "./infer";
import { gatherNodes, type ImportedNode, type KnownNode, type Source } from "./nodes";

interface ImportedFile {
  node: string;
  source: string;
  /** The differences of its new file from the imported one; empty: none. */
  differences: string[];
}

export interface Imported {
  network: Fields;
  relays: Record<string, Fields>;
  peers: Record<string, Fields>;
  /** `privateKeys` and `presharedKeys`. */
  secrets: { path: [string, string]; value: Secret }[];
  /** Whether to set presharedKeySeed: every link of the plan has its own key, so only later links would use the seed. */
  seed: boolean;
  files: ImportedFile[];
  /** Nodes whose file is missing. */
  withoutFile: string[];
  notes: string[];
  warnings: Issue[];
}

/** The config, or the problems that prevent the import. `now` is in milliseconds since 1970. */
export function importNetwork(
  sources: readonly Source[],
  known: readonly KnownNode[],
  options: InferOptions,
  now: number,
): Imported | Problem[] {
  const { nodes, problems } = gatherNodes(sources, known);
  const inferred = infer(nodes, options);
  const all = [...problems, ...inferred.problems];
  if (all.length > 0) return all;
  const [auto, star] = (["auto", "star"] as const).map((topology) =>
    resultOf(nodes, withTopology(inferred, topology), now),
  );
  if (auto === undefined || star === undefined || Array.isArray(auto) || Array.isArray(star))
    return auto ?? [];
  return countDifferences(star) < countDifferences(auto) ? star : auto;
}

function withTopology(inferred: Inferred, topology: "auto" | "star"): Inferred {
  const network = { ...inferred.network, ...(topology === "star" ? { topology } : {}) };
  return { ...inferred, network };
}

function countDifferences({ files }: Imported): number {
  return files.flatMap(({ differences }) => differences).length;
}

function resultOf(
  nodes: readonly ImportedNode[],
  inferred: Inferred,
  now: number,
): Imported | Problem[] {
  const { network, relays, peers, privateKeys, presharedKeys, notes } = inferred;
  const raw: RawConfig = {
    network,
    relays,
    peers,
    privateKeys: Object.fromEntries(privateKeys),
    presharedKeys: Object.fromEntries(presharedKeys),
  };
  const { plan, issues } = readMesh(raw, now);
  const errors = issues.filter(({ severity }) => severity === "error");
  if (plan === null || errors.length > 0)
    return errors.map(({ path, message, remedy }) => ({ at: path, message, remedy }));
  const secrets = [
    ...[...privateKeys].map(([name, value]) => ({ path: ["privateKeys", name], value })),
    ...[...presharedKeys].map(([link, value]) => ({ path: ["presharedKeys", link], value })),
  ] as Imported["secrets"];
  return {
    ...{ network, relays, peers, secrets, notes },
    seed: plan.links.every(({ a, b }) => presharedKeys.has(linkName(a, b))),
    files: nodes.flatMap(({ name, source }) =>
      source === null ? [] : [comparisonOf(name, source, nodes, plan, inferred)],
    ),
    withoutFile: nodes.flatMap(({ name, source }) => (source === null ? [name] : [])),
    warnings: issues,
  };
}

function comparisonOf(
  name: string,
  { file, host }: Source,
  nodes: readonly ImportedNode[],
  plan: Plan,
  inferred: Inferred,
): ImportedFile {
  const names = new Map(nodes.map((node) => [node.publicKey, node.name]));
  const now = renderedFile(name, plan, inferred);
  const differences =
    now === null ? ["is left out"] : compareFiles(file, now, names, host !== null);
  return { node: name, source: file.source, differences };
}

/** The node's new file; null if the plan leaves the node out. */
function renderedFile(name: string, plan: Plan, inferred: Inferred): WgQuickFile | null {
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) return null;
  const keyring: Keyring = {
    privateKeys: inferred.privateKeys,
    formerPrivateKeys: new Map(),
    presharedKeys: inferred.presharedKeys,
    presharedKeySeed: null,
    sshPrivateKey: null,
    sshAuthoritySeed: null,
  };
  return parseWgQuick(renderConfig(node, plan.network, keyring), name).file;
}

/** Problems as text for a terminal. */
export function formatProblems(problems: readonly Problem[]): string {
  return formatIssues(
    problems.map(({ at, message, remedy }) => ({ path: at, severity: "error", message, remedy })),
  );
}
