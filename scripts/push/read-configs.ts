/** Reads the WireGuard interfaces of a host with their keys, from its files and wg(8). Changes nothing. */
import { Secret } from "../../mesh/secret";
import type { HostAccess } from "../../mesh/push-request";
import { withHost } from "./connect";
import { newToken } from "./conversation";
import { printable } from "./printable";
import { OBSERVE_MS } from "./limits";
import { PushError } from "./push-error";

export interface HostInterface {
  name: string;
  /** The wg-quick(8) file in /etc/wireguard; null: there is none. */
  file: Secret | null;
  /** The running interface in the same format; null: it is down. */
  running: Secret | null;
  /** `PROJECT/STACK` of the wireguard-mesh stack that it belongs to, or null. */
  owner: string | null;
}

export interface HostConfigs {
  hostname: string;
  /** Sorted by name. */
  interfaces: HostInterface[];
}

/** @throws PushError */
export async function readHostConfigs(access: HostAccess): Promise<HostConfigs> {
  const token = newToken();
  const run = await withHost(access, (host) =>
    host.run(`${SCRIPT}list ${token}\nexit\n`, { limitMs: OBSERVE_MS }),
  );
  if (run.exitCode !== 0 || !run.stdout.includes(`@${token} end\n`)) {
    throw new PushError(
      `${access.node}: the connection broke before the host had answered. Try again.`,
    );
  }
  return configsIn(run.stdout, token);
}

/** Sections begin with `@TOKEN NAME [INTERFACE]`. Keys are printed to stdout only. */
const SCRIPT = `list() {
  export LC_ALL=C
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  echo "@$1 hostname"
  cat /proc/sys/kernel/hostname
  for file in /etc/wireguard/*.conf; do
    [ -f "$file" ] || continue
    name=\${file##*/}
    echo "@$1 file \${name%.conf}"
    cat "$file"
    echo
  done
  for name in $(wg show interfaces 2>/dev/null); do
    echo "@$1 running $name"
    wg showconf "$name"
    echo "@$1 address $name"
    ip -o address show dev "$name" scope global | awk '{ print $4 }'
  done
  for file in /var/lib/wireguard-mesh/*/owner; do
    [ -f "$file" ] || continue
    name=\${file%/owner}
    echo "@$1 owner \${name##*/}"
    cat "$file"
  done
  echo "@$1 end"
}
`;

/** Parses the output of the script. */
export function configsIn(stdout: string, token: string): HostConfigs {
  const sections = new Map<string, string>();
  for (const part of stdout.split(`@${token} `).slice(1)) {
    const end = part.indexOf("\n");
    sections.set(part.slice(0, end), part.slice(end + 1));
  }
  // Other names are invalid for wg-quick(8), and could contain control characters.
  const names = [...sections.keys()].flatMap(
    (key) => /^(?:file|running) ([\w=+.-]{1,15})$/.exec(key)?.[1] ?? [],
  );
  const at = (kind: string, name: string) => sections.get(`${kind} ${name}`);
  return {
    hostname: (sections.get("hostname") ?? "").trim(),
    interfaces: [...new Set(names)].sort().map((name) => {
      const [file, running] = [at("file", name), at("running", name)];
      return {
        name,
        file: file === undefined ? null : Secret.of(file),
        running: running === undefined ? null : asFile(running, at("address", name) ?? ""),
        owner: ownerIn(at("owner", name)),
      };
    }),
  };
}

function ownerIn(record: string | undefined): string | null {
  return record === undefined ? null : printable(record.split("\n")[0] ?? "");
}

/** The output of `wg showconf` with the addresses of the interface. */
function asFile(config: string, addresses: string): Secret {
  const list = addresses.split("\n").filter((address) => address !== "");
  const line = list.length === 0 ? "" : `\nAddress = ${list.join(", ")}`;
  return Secret.of(config.replace("[Interface]", `[Interface]${line}`));
}
