/** What is compared: programs on the operator that bring the same change to the same hosts. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { PushRequest } from "../../mesh/push-request";
import type { Lab } from "../lab/lab";
import { findRepository } from "../lab/repository";
import type { LabStack } from "../lab/stack";
import { LabError } from "../lab/world";
import { MIN_PARALLEL_PUSHES } from "../stack/engine";

/** What all of them have at hand. */
export interface Network {
  lab: Lab;
  stack: LabStack;
  /** The relay first. */
  hosts: string[];
  /** As the engine makes them: host → request. Secret. */
  requests: ReadonlyMap<string, PushRequest>;
  /** For files, 0700; it is removed with the lab. */
  folder: string;
}

export interface Contender {
  name: string;
  /** Writes what the command reads, outside of the measured time; returns the command. `keepalive`: the new value, in seconds. */
  prepare: (keepalive: number) => string[];
  /** Looks at what the command has left. @throws LabError */
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

/** The limit: two logins to each host, one that copies the file and has it read, and one that does nothing. */
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
/** Has it read: `wg-quick strip` without bash, which would cost more than the rest. */
export const SYNC = `grep -v -E "^(Address|MTU|Table) " ${LIVE} | wg syncconf wg0 /dev/stdin`;

/** Every line of a config or stack file that gives one, with another value. */
function withKeepalive(text: string, seconds: number): string {
  return text.replace(/(persistentKeepalive(?: =|:) )\d+/gi, `$1${seconds}`);
}

/** HOST.conf for each host. */
export function writeConfigs({ requests }: Network, folder: string, keepalive: number): void {
  requests.forEach(({ config }, host) => {
    writeSecret(path.join(folder, `${host}.conf`), withKeepalive(config, keepalive));
  });
}

/** A file for ssh: the hosts by name, with the lab's key, their own keys pinned, and nothing of the user's. */
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
  const made = path.join(folder, name);
  fs.mkdirSync(made, { recursive: true, mode: 0o700 });
  return made;
}

function writeSecret(file: string, text: string): void {
  fs.writeFileSync(file, text, { mode: 0o600 });
}
