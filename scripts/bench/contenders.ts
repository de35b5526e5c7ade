/** The programs that the bench compares: each makes the same change on the same hosts. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { PushRequest } from "../../mesh/push-request";
import type { Lab } from "../lab/lab";
import { findRepository } from "../lab/repository";
import type { LabStack } from "../lab/stack";
import { LabError } from "../lab/world";
import { MIN_PARALLEL_PUSHES } from "../stack/engine";

/** The lab and files that every contender uses. */
export interface Network {
  lab: Lab;
  stack: LabStack;
  /** The relay first. */
  hosts: string[];
  /** Host → push request, as the engine makes it. Secret. */
  requests: ReadonlyMap<string, PushRequest>;
  /** For files; mode 0700, removed with the lab. */
  folder: string;
}

export interface Contender {
  name: string;
  /** Writes the command's input, before the measured time; returns the command. `keepalive`: the new value, in seconds. */
  prepare: (keepalive: number) => string[];
  /** Checks the command's result. @throws LabError */
  check?: () => void;
}

/** How many hosts each of them changes at once. */
export const WIDTH = MIN_PARALLEL_PUSHES;

/** The push programs alone: the relay's first, then the others, as many at once as the engine. */
export function pushPrograms(network: Network): Contender {
  const { hosts, requests } = network;
  const program = path.join(findRepository(), "dist/scripts/push/main.js");
  const folder = subfolder(network, "push");
  const push = (host: string): string =>
    `node ${program} apply <${host}.json >${host}.out 2>${host}.err`;
  const [relay = "", ...peers] = hosts;
  const script = `cd ${folder}; ${push(relay)} && printf '%s\\n' ${peers.join(" ")} |
    xargs -P ${WIDTH} -I{} sh -c 'exec ${push("{}")}'`;
  return {
    name: "wireguard-mesh: push programs",
    prepare: (keepalive) => {
      requests.forEach((request, host) => {
        const changed = { ...request, config: withKeepalive(request.config, keepalive) };
        writeSecret(path.join(folder, `${host}.json`), JSON.stringify(changed));
      });
      return ["sh", "-c", script];
    },
    check: () => {
      for (const host of hosts) {
        const read = (end: string): string =>
          fs.readFileSync(path.join(folder, `${host}.${end}`), "utf8");
        if (!read("out").includes('"outcome":"applied"'))
          throw new LabError(`${host} was not changed: ${read("err")}${read("out")}`);
      }
    },
  };
}

export function pulumiUp({ stack }: Network): Contender {
  return {
    name: "wireguard-mesh: pulumi up",
    prepare: (keepalive) => {
      const text = fs.readFileSync(stack.file, "utf8");
      fs.writeFileSync(stack.file, withKeepalive(text, keepalive));
      const up = ["up", "--yes", "--skip-preview", "--continue-on-error", "--non-interactive"];
      return ["pulumi", ...up, "--parallel", `${WIDTH}`];
    },
  };
}

/** The lower bound: two logins to each host, one that copies and applies the file, and one that does nothing. */
export function plainSsh(network: Network): Contender {
  const folder = subfolder(network, "ssh");
  const config = writeSshConfig(network);
  const copy = `umask 077; cat >${LIVE} && ${SYNC}`;
  const ssh = `ssh -F ${config} "$1"`;
  fs.writeFileSync(path.join(folder, "one"), `${ssh} '${copy}' <"$1.conf" && exec ${ssh} true\n`);
  const all = `cd ${folder} && printf '%s\\n' ${network.hosts.join(" ")} | xargs -P ${WIDTH} -n 1 sh one`;
  return {
    name: `ssh -P${WIDTH}, two logins`,
    prepare: (keepalive) => {
      writeConfigs(network, folder, keepalive);
      return ["sh", "-c", all];
    },
  };
}

/** The live file of every host. */
export const LIVE = "/etc/wireguard/wg0.conf";
/** Applies the file. Not with `wg-quick strip`: bash would cost more than the rest. */
export const SYNC = `grep -v -E "^(Address|MTU|Table) " ${LIVE} | wg syncconf wg0 /dev/stdin`;

/** A config or stack file with another value for every keepalive. */
function withKeepalive(text: string, seconds: number): string {
  return text.replace(/(persistentKeepalive(?: =|:) )\d+/gi, `$1${seconds}`);
}

/** HOST.conf for each host. */
export function writeConfigs({ requests }: Network, folder: string, keepalive: number): void {
  requests.forEach(({ config }, host) => {
    writeSecret(path.join(folder, `${host}.conf`), withKeepalive(config, keepalive));
  });
}

/** An ssh_config with the hosts by name, the lab's key and pinned host keys, instead of the user's. */
export function writeSshConfig({ lab, hosts, folder }: Network): string {
  const knownHosts = path.join(folder, "known_hosts");
  fs.writeFileSync(knownHosts, hosts.map((host) => `${host} ${lab.hostKey(host)}\n`).join(""));
  const common = ["User root", `IdentityFile ${lab.folder.sshKey}`, "IdentityAgent none"];
  const trust = [`UserKnownHostsFile ${knownHosts}`, "StrictHostKeyChecking yes", "BatchMode yes"];
  const lines = hosts.flatMap((host) => [
    ...[`Host ${host}`, `HostName ${lab.managementAddress(host)}`, `HostKeyAlias ${host}`],
  ]);
  const config = path.join(folder, "ssh_config");
  fs.writeFileSync(config, [...common, ...trust, ...lines, ""].join("\n"));
  return config;
}

export function subfolder({ folder }: Pick<Network, "folder">, name: string): string {
  const folderPath = path.join(folder, name);
  fs.mkdirSync(folderPath, { recursive: true, mode: 0o700 });
  return folderPath;
}

function writeSecret(file: string, text: string): void {
  fs.writeFileSync(file, text, { mode: 0o600 });
}
