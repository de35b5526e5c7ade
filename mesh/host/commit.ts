/** Steps that make a change permanent, and files that are placed before it begins. */
import { Secret } from "../secret";
import { bootDifferences, confirmedState, isMarked } from "./boot-differences";
import { bootFiles, type BootFile } from "./boot-files";
import type { CommitStep, PlaceStep } from "./change";
import { confirmedLines, FORMAT, FORMAT_2_FILES } from "./confirmed";
import type { BootDifference } from "./difference";
import { dnsInitText, dnsSteps } from "./dns-server";
import { storeSteps } from "./generation";
import { hostsSteps } from "./names";
import type { Observation } from "./observation";
import { configPath, dnsInitName, pathsOf } from "./paths";
import { interfacesOf, type Wanted } from "./wanted";

export interface PushId {
  /** Greater than that of all earlier pushes. */
  serial: number;
  token: string;
}

export interface HostScript {
  text: string;
  /** SHA-256, hex. Passed in, because hashing it in JavaScript takes 12 ms for each push. */
  digest: string;
}

/**
 * The filter file and the live config come first: the host places these two before all others, and undoes the change if that
 * fails (commit in scripts/push/host/50-change.sh).
 */
export function commitSteps(observed: Observation, wanted: Wanted, push: PushId): CommitStep[] {
  const { live } = pathsOf(wanted.main.name);
  // Always write the config, to update the addresses of names in endpoints.
  const configs = interfacesOf(wanted).map(({ name }) => configPath(name));
  const files = bootFiles(observed, wanted).filter(
    ({ path, is }) => is !== null || configs.includes(path),
  );
  const rest = files.findIndex(({ path }) => path === live) + 1;
  const differences = bootDifferences(observed, wanted);
  const starts = differences.filter((it) => it.kind === "start");
  const namesThat = (is: "missing" | "extra") =>
    starts.filter((it) => it.is === is).map(({ name }) => name);
  return [
    ...files.slice(0, rest).map(fileStep),
    ...namesThat("extra").flatMap((name) => endStep(name, observed)),
    ...files.slice(rest).map(fileStep),
    ...hostsSteps(observed, wanted),
    ...namesThat("missing").flatMap((name) => startStep(name, observed, wanted)),
    ...dnsSteps(observed, wanted),
    ...tasksStep(differences, wanted),
    ...recordSteps(observed, wanted, push),
    ...storeSteps(observed, wanted),
    ...forgetKeys(observed, wanted),
  ];
}

/** The owner mark is written first, since it decides who may remove the interface, even after a failed change. */
export function stagingSteps(
  observed: Observation,
  wanted: Wanted,
  hostScript: HostScript,
): PlaceStep[] {
  const script = place(pathsOf(wanted.main.name).hostScript, hostScript.text);
  const differs = observed.digests.get(script.path) !== hostScript.digest;
  return [...ownerStep(observed, wanted), ...(differs ? [script] : [])];
}

/** None if the mark is as wanted. */
export function ownerStep(observed: Observation, wanted: Wanted): PlaceStep[] {
  const { main, owner, node, machine } = wanted;
  if (isMarked(observed, wanted)) return [];
  return [place(pathsOf(main.name).owner, `${owner}\n${node}\n${machine}\n`)];
}

function fileStep({ path, mode, text }: BootFile): CommitStep {
  return text === null ? { do: "delete", path } : { do: "place", path, mode, text };
}

function startStep(name: string, { init }: Observation, { main }: Wanted): CommitStep[] {
  if (init !== "openrc") return [{ do: "enable", unit: name }];
  const { initScript, dnsInitScript } = pathsOf(main.name);
  const [path, text] =
    name === dnsInitName(main.name)
      ? [dnsInitScript, dnsInitText(main.name)]
      : [initScript, initText(main.name)];
  return [place(path, text, "755"), { do: "openrc", verb: "add", name }];
}

function endStep(name: string, { init }: Observation): CommitStep[] {
  if (init !== "openrc") return [{ do: "disable", unit: name }];
  return [
    { do: "openrc", verb: "del", name },
    { do: "delete", path: `/etc/init.d/${name}` },
  ];
}

function tasksStep(differences: readonly BootDifference[], wanted: Wanted): CommitStep[] {
  const { tasks } = pathsOf(wanted.main.name);
  const differs = differences.some(
    (it) => it.kind === "ticker" || (it.kind === "file" && it.path === tasks),
  );
  return differs ? [{ do: "tasks" }] : [];
}

/** openrc-run(8). Does not depend on the script of Alpine's package. */
function initText(name: string): string {
  return `#!/sbin/openrc-run
description="WireGuard interface ${name}, by wireguard-mesh"
depend() { need localmount; use net dns; after firewall; }
start() { ebegin "Starting ${name}"; wg-quick up ${name}; eend $?; }
stop() { ebegin "Stopping ${name}"; wg-quick down ${name}; eend $?; }
`;
}

/** The host adds the digest of the live file to the record. */
function recordSteps(observed: Observation, wanted: Wanted, push: PushId): CommitStep[] {
  const { state, confirmed } = pathsOf(wanted.main.name);
  const lines = [
    ...confirmedLines(confirmedState(observed, wanted)),
    `serial ${push.serial}`,
    `token ${push.token}`,
  ];
  const record = place(confirmed, lines.map((line) => `${line}\n`).join(""));
  const { records } = observed;
  if (records.format === FORMAT && records.confirmedFile !== null) return [record];
  const former = [
    ...FORMAT_2_FILES.map((name) => `${state}/${name}`),
    `/etc/wireguard/.wireguard-mesh/good/${wanted.main.name}.conf`,
  ];
  return [
    record,
    // Older versions read only this file, and then refuse the host.
    place(`${state}/format`, `${FORMAT}\n`),
    ...(records.format === 0 ? [] : former.map((path): CommitStep => ({ do: "delete", path }))),
  ];
}

function forgetKeys({ ownKeys }: Observation, wanted: Wanted): CommitStep[] {
  const used = interfacesOf(wanted).map(({ publicKey }) => publicKey);
  return [...ownKeys].every((key) => used.includes(key)) ? [] : [{ do: "forget-keys" }];
}

function place(path: string, text: string, mode = "600"): PlaceStep {
  return { do: "place", path, mode, text: Secret.of(text) };
}
