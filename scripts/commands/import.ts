/** `import`: creates a stack from an existing WireGuard network, from its files or its live hosts. */
import type { Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import { parseEndpoint, parseInterface } from "../../mesh/config/values";
import { parsePrefix } from "../../mesh/addresses";
import { formatEndpoint } from "../../mesh/config/config";
import { formatProblems, importNetwork, type Imported } from "../../mesh/import/import";
import type { Problem } from "../../mesh/wg-quick/file";
import {
  collect,
  indented,
  joinBlocks,
  newCommand,
  print,
  STACK_OPTION,
  type CommonOptions,
} from "../cli/command";
import { log } from "../log";
import { wrapLines } from "../cli/wrap";
import { addSecrets } from "../stack/config-secrets";
import { ensureStack } from "../stack/ensure-stack";
import { Failure } from "../stack/failure";
import { readImportFiles, type ReadSources } from "../stack/import-files";
import { readHost } from "../stack/import-hosts";
import { hostKeysFor } from "../stack/known-hosts";
import { makeSeed } from "../stack/new-node";
import { findStackOr, type StackRef } from "../stack/project";
import { configPath, readConfigSoFar } from "../stack/stack-file";
import { readUserFile, replaceUserFile, withFileLock } from "../stack/user-file";
import { addIn, removeIn } from "../stack/yaml-edit";
import type { YamlValue } from "../stack/yaml-text";
import { comparisonText, configText } from "./import/import-text";

interface ImportOptions extends CommonOptions {
  host?: string[];
  hostKey?: string[];
  interface?: string;
  push?: string[];
  endpoint?: string;
  cidr?: string;
  cidr6?: string;
  secretsProvider?: string;
  acceptDifferences?: true;
  dryRun?: true;
}

export function importCommand(): Command {
  return newCommand("import [files...]", {
    description:
      "Create a stack from an existing WireGuard network: from wg-quick files and folders of them, including wg-easy's and Algo's, and from live hosts over SSH. Keys, preshared keys and addresses stay. It shows how the new file of each node differs from the imported one. The first `up` takes over the running interfaces. If a setting cannot be kept, such as a hook, it names the file and line, and writes nothing.",
    examples: [
      "import --stack home --host root@203.0.113.10 --host admin@192.168.1.30",
      "import --stack home relay/wg0.conf laptop.conf phone.conf",
      "import --stack home ./wg-easy --push wg-easy=root@203.0.113.10",
      "import --stack home configs/203.0.113.10/wireguard --host root@203.0.113.10",
    ],
  })
    .option(
      STACK_OPTION[0],
      "the new stack; default: PULUMI_STACK, else the selected one, else dev",
    )
    .option(
      "--host <host>",
      "read this host: user@address[:port], or local; may be repeated",
      collect,
    )
    .option(
      "--host-key <key>",
      "the SSH host key of each --host, then of each --push, in their order; default: from your known_hosts",
      collect,
    )
    .option("--interface <name>", "the interface, where a host has several")
    .option(
      "--push <name=host>",
      "`up` pushes to the node of a file by this host: relay=root@203.0.113.10; may be repeated",
      collect,
    )
    .option("--endpoint <host:port>", "where peers dial the relay, if no file says it")
    .option("--cidr <cidr>", "the tunnel's addresses, if no file says it")
    .option("--cidr6 <cidr>", "the same for IPv6")
    .option("--secrets-provider <provider>", "what encrypts the secrets, as for init")
    .option("--accept-differences", "write the stack even if the files of nodes would change")
    .option("--dry-run", "show the config and the comparison, and write nothing")
    .action(importStack);
}

async function importStack(files: string[], options: ImportOptions): Promise<void> {
  refuseUsage(files, options);
  const stack = findStackOr(options.stack, "dev");
  if (options.dryRun !== true) refuseNonEmpty(readUserFile(stack.file) ?? "", stack);
  const read = await readAll(files, options);
  const imported = importNetwork(read.sources, read.known, options, Date.now());
  // If a host could not be imported, the other problems may follow from that.
  const found = Array.isArray(imported) && read.isWhole ? imported : [];
  const problems = [...read.problems, ...found];
  if (Array.isArray(imported) || problems.length > 0) throw refusal(problems);
  const differing = imported.files.filter(({ differences }) => differences.length > 0);
  const isAccepted = differing.length === 0 || options.acceptDifferences === true;
  const isWritten = isAccepted && options.dryRun !== true;
  if (isWritten) await withFileLock(stack.file, () => write(stack, imported, options));
  report(stack, imported, options, isWritten);
  if (isAccepted) return;
  process.exitCode = 1;
  log(
    `the config would change the files of ${differing.map(({ node }) => node).join(", ")}, so nothing was written\n  correct the files, or accept the changes: --accept-differences`,
  );
}

function refuseUsage(files: readonly string[], options: ImportOptions): void {
  const { host = [], push = [], hostKey, endpoint, cidr, cidr6 } = options;
  if (files.length + host.length === 0)
    throw new Failure("what to import?", "name files or folders, or hosts with --host", 2);
  if (hostKey !== undefined && hostKey.length !== host.length + push.length)
    throw new Failure(
      "there is not one --host-key for each --host and --push",
      "give one for each, in their order; or none, and ssh once to each host instead",
      2,
    );
  if (endpoint !== undefined) formatEndpoint(parseEndpoint(endpoint));
  for (const prefix of [cidr, cidr6]) if (prefix !== undefined) parsePrefix(prefix);
  if (options.interface !== undefined) parseInterface(options.interface);
}

const MAPS = ["network", "relays", "peers", "privateKeys", "presharedKeys"];

/** An import needs an empty stack. An existing seed would give preshared keys to links that have none. */
function refuseNonEmpty(text: string, { file, name }: StackRef): void {
  const config = readConfigSoFar(text, file);
  const taken = [...MAPS, "presharedKeySeed"].find((key) => {
    const value = config[key];
    return (
      value !== undefined && value !== null && !(isMap(value) && Object.keys(value).length === 0)
    );
  });
  if (taken === undefined) return;
  throw new Failure(
    `${file} has ${taken} already, and an import makes a new network`,
    `import it into another stack than ${name}: --stack NAME`,
  );
}

interface WholeRead extends ReadSources {
  /** Whether each host has something to import. */
  isWhole: boolean;
}

/** Reads the files and hosts, and adds the SSH addresses from --push, which are not in the files. */
async function readAll(files: readonly string[], options: ImportOptions): Promise<WholeRead> {
  const read =
    files.length === 0 ? { sources: [], known: [], problems: [] } : readImportFiles(files);
  const { host: live = [], push = [], hostKey } = options;
  const pushed = new Map(
    push.map((text, at) => {
      const [name, host] = pushOf(text);
      return [name, { host, hostKey: hostKey?.[live.length + at] }];
    }),
  );
  const sources = await Promise.all(
    read.sources.map(async (source) => {
      const name = source.name ?? source.file.name ?? "";
      const target = pushed.get(name);
      if (target === undefined) return source;
      pushed.delete(name);
      return { ...source, host: { host: target.host, hostKeys: await hostKeysOf(target) } };
    }),
  );
  const [unknown] = pushed.keys();
  if (unknown !== undefined) {
    const names = sources.map(({ name, file }) => name ?? file.name ?? file.source).join(", ");
    throw new Failure(`--push: there is no file of ${unknown}`, `there are files of: ${names}`, 2);
  }
  const hosts = await Promise.all(
    live.map((host, at) => readHost(host, hostKey?.[at], options.interface)),
  );
  return {
    sources: [...sources, ...hosts.flatMap(({ source }) => source ?? [])],
    known: read.known,
    problems: [...read.problems, ...hosts.flatMap(({ problems }) => problems)],
    isWhole: hosts.every(({ source }) => source !== null),
  };
}

async function hostKeysOf({ host, hostKey }: { host: string; hostKey: string | undefined }) {
  return (await hostKeysFor([host], hostKey === undefined ? undefined : [hostKey], log)) ?? [];
}

function pushOf(text: string): [name: string, host: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new Failure(`--push ${text}: has no host`, "write NAME=USER@ADDRESS", 2);
}

function refusal(problems: readonly Problem[]): Failure {
  return new Failure(
    `this network cannot be imported as it is; nothing was written\n${wrapLines(formatProblems(problems))}`,
  );
}

async function write(stack: StackRef, imported: Imported, options: ImportOptions): Promise<void> {
  const { secretsProvider } = options;
  const ensured = await ensureStack(
    stack,
    secretsProvider === undefined ? {} : { secretsProvider },
  );
  refuseNonEmpty(ensured.text, stack);
  const { network, relays, peers } = imported;
  const maps = Object.entries({ network, relays, peers }).filter(
    ([key, map]) => key === "peers" || Object.keys(map).length > 0,
  );
  const text = maps.reduce(
    (edited, [key, map]) =>
      addIn(removeIn(edited, configPath([key])), configPath([key]), map as YamlValue),
    ensured.heading + ensured.text,
  );
  const seed = imported.seed ? [{ path: ["presharedKeySeed"], value: makeSeed() }] : [];
  if (imported.secrets.length > 5) log(`encrypting ${imported.secrets.length} keys...`);
  const complete = await addSecrets(stack, text, [...imported.secrets, ...seed]);
  const isThere = readUserFile(stack.file) !== null;
  replaceUserFile(stack.file, complete, isThere ? ensured.text : null);
}

function report(
  stack: StackRef,
  imported: Imported,
  options: ImportOptions,
  isWritten: boolean,
): void {
  const { files, withoutFile, notes, network, relays, peers } = imported;
  const next = [
    "npx wireguard-mesh preview",
    "npx wireguard-mesh up   # takes over the running interfaces",
  ];
  const written = isWritten
    ? `${stack.file} now has ${Object.keys(relays).length + Object.keys(peers).length} nodes, their keys encrypted\nNext:\n${indented(next)}`
    : "";
  const json = {
    ok:
      files.every(({ differences }) => differences.length === 0) ||
      options.acceptDifferences === true,
    ...{ stack: stack.name, file: stack.file, written: isWritten },
    ...{ network, relays, peers, files, withoutFile, notes },
    next: isWritten ? next : [],
  };
  const shown = options.dryRun === true ? configText(imported) : "";
  print(options, json, joinBlocks([shown, comparisonText(imported), written], "\n\n"));
}
