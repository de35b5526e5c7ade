/** The files that are used at boot: their wanted content, and how they differ. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { Secret } from "../secret";
import type { BootDifference } from "./difference";
import { filterFileInUse, filterHooks, filterText, secondHooks } from "./filter";
import { dropInLines } from "./kernel-settings";
import { sameLines } from "./lines";
import { dnsConfigLines, dnsUnitLines } from "./dns-server";
import { namesLines, namesUnitLines } from "./names";
import { renderLiveFile, withoutFollowed, withoutSecrets } from "./live-file";
import type { Observation } from "./observation";
import { configPath, pathsOf, unitLink, watcherUnitName, wgQuickUnit } from "./paths";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";
import { taskLines } from "./tasks";
import { watcherLines } from "./watched-keys";
import { fullTunnelHooks } from "./full-tunnel";

type FileState = Extract<BootDifference, { kind: "file" }>["is"];

/** A file of the host. */
export interface BootFile {
  path: string;
  /** Octal. */
  mode: string;
  /** Null: it must not exist. */
  text: Secret | null;
  /** Null: no difference. */
  is: FileState | null;
}

/** In the order in which they are written: files that the live config names, the live config, and the others. */
export function bootFiles(observed: Observation, wanted: Wanted): BootFile[] {
  const { main, second } = wanted;
  const { records } = observed;
  const paths = pathsOf(main.name);
  const former = records.second === second?.name ? null : records.second;
  const rotation = watcherLines(wanted);
  const filter = filterFile(observed, wanted);
  const hooks = [
    ...(filter === null ? [] : filterHooks(wanted, filter.path)),
    ...fullTunnelHooks(wanted, observed),
  ];
  const unused = paths.filters.filter((path) => path !== filter?.path);
  const tasks = taskLines(wanted);
  return [
    ...(filter === null ? [] : [filter]),
    configFile(main, observed, wanted, hooks),
    ...(second === null || wanted.secondKeptFor !== undefined
      ? []
      : [configFile(second, observed, wanted, secondHooks(wanted))]),
    ...(former === null ? [] : [unwantedFile(configPath(former), observed)]),
    ...unused.map((path) => unwantedFile(path, observed)),
    plainFile(paths.dropIn, "644", dropInLines(observed, wanted), records.dropIn),
    plainFile(paths.names, "644", namesLines(wanted), records.names),
    plainFile(paths.dnsConfig, "644", dnsConfigLines(wanted), records.dnsConfig),
    ...(observed.init === "systemd"
      ? [
          plainFile(paths.namesUnit, "644", namesUnitLines(observed, wanted), records.namesUnit),
          plainFile(paths.dnsUnit, "644", dnsUnitLines(wanted), records.dnsUnit),
        ]
      : []),
    plainFile(paths.rotation, "600", rotation.length === 0 ? null : rotation, records.rotation),
    plainFile(paths.tasks, "600", tasks.length === 0 ? null : tasks, records.tasks),
    ...(observed.init === "systemd" ? [watcherUnit(observed, wanted)] : []),
  ];
}

function digestOf(text: Secret): string {
  return bytesToHex(sha256(new TextEncoder().encode(text.reveal())));
}

/** Secrets cannot be compared, so they count as equal only if the digest of the request is the same. */
function configFile(
  one: WantedInterface,
  observed: Observation,
  wanted: Wanted,
  hooks: readonly string[],
): BootFile {
  const { confirmed } = observed.records;
  const path = configPath(one.name);
  const text = renderLiveFile(one, observed, wanted, hooks);
  const digest = observed.digests.get(path);
  // There is no recorded digest of the second interface's file.
  const isEdited = one === wanted.main && confirmed !== null && confirmed.file !== digest;
  // The host resolves these names again after a boot, so the numbers in the file do not matter.
  const linesOf = wanted.followNames ? withoutFollowed : (lines: readonly string[]) => lines;
  const isSame =
    confirmed?.digest === wanted.digest &&
    sameLines(linesOf(withoutSecrets(text)), linesOf(observed.configs.get(path) ?? []));
  const isOpen = observed.openFiles.has(path);
  const present = isEdited ? "edited" : !isSame ? "outdated" : isOpen ? "open" : null;
  return { path, mode: "600", text, is: digest === undefined ? "missing" : present };
}

/**
 * A changed filter goes to the unused one of the two files, so that the live file keeps its own filter until it is replaced.
 * Null: no filter.
 */
function filterFile(observed: Observation, wanted: Wanted): BootFile | null {
  const text = filterText(wanted);
  if (text === null) return null;
  const { digests, records } = observed;
  const { name } = wanted.main;
  const inUse = filterFileInUse(observed, name);
  const digest = digestOf(text);
  const isSame = (path: string) => digests.get(path) === digest;
  const isCurrent = records.confirmed?.digest === wanted.digest;
  const [first, other] = pathsOf(name).filters;
  const path =
    inUse !== null && (isCurrent || isSame(inUse)) ? inUse : inUse === first ? other : first;
  const differs = path !== inUse ? "outdated" : digests.has(path) ? "edited" : "missing";
  return { path, mode: "600", text, is: isSame(path) ? null : differs };
}

function unwantedFile(path: string, { digests }: Observation): BootFile {
  return { path, mode: "600", text: null, is: digests.has(path) ? "extra" : null };
}

function plainFile(
  path: string,
  mode: string,
  lines: readonly string[] | null,
  present: readonly string[] | null,
): BootFile {
  if (lines === null) return { path, mode, text: null, is: present === null ? null : "extra" };
  const text = Secret.of(lines.map((line) => `${line}\n`).join(""));
  const is = present === null ? "missing" : sameLines(lines, present) ? null : "outdated";
  return { path, mode, text, is };
}

/** A host that does not report the unit's digest reports its link. */
function watcherUnit({ digests, bootLinks }: Observation, wanted: Wanted): BootFile {
  const { name } = wanted.main;
  const path = pathsOf(name).watcherUnit;
  const digest = digests.get(path);
  const exists = digest !== undefined || bootLinks.has(unitLink(watcherUnitName(name)));
  if (watcherLines(wanted).length === 0) {
    return { path, mode: "644", text: null, is: exists ? "extra" : null };
  }
  const text = Secret.of(unitText(name));
  const same = digest === undefined || digest === digestOf(text);
  return { path, mode: "644", text, is: !exists ? "missing" : same ? null : "outdated" };
}

function unitText(name: string): string {
  return `# wireguard-mesh: ${name} has keys pending; goes when they are not
[Unit]
Description=WireGuard keys pending on ${name}
After=${wgQuickUnit(name)}

[Service]
ExecStart=/bin/sh ${pathsOf(name).hostScript} watch ${name}
Restart=on-failure

[Install]
WantedBy=multi-user.target
`;
}
