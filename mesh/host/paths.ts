/** Paths on a host. Each contains the interface's name, so two networks never share one. */

export interface HostPaths {
  /** The wg-quick(8) file that boots. */
  live: string;
  /** Persistent files: owner mark, confirmed state, host script. */
  state: string;
  /** Files until the next boot. */
  run: string;
  confirmed: string;
  owner: string;
  hostScript: string;
  /** Lines for the watcher after a boot. */
  rotation: string;
  /** Files with the packet filter. The live file names one of them, so replacing the live file switches both. */
  filters: readonly [string, string];
  /** Periodic tasks (tasks.ts). */
  tasks: string;
  /** Sysctls for the next boot (sysctl.d(5)). */
  dropIn: string;
  /** The names of nodes, as lines of hosts(5). */
  names: string;
  /** Puts them into /etc/hosts again at boot. */
  namesUnit: string;
  /** Settings of the DNS server of a relay (dnsmasq(8)). */
  dnsConfig: string;
  dnsUnit: string;
  dnsInitScript: string;
  /** For OpenRC. */
  initScript: string;
  /** The unit of the watcher of rotating keys. */
  watcherUnit: string;
}

const STATE_ROOT = "/var/lib/wireguard-mesh";

export function pathsOf(name: string): HostPaths {
  const state = `${STATE_ROOT}/${name}`;
  return {
    live: configPath(name),
    state,
    run: `/run/wireguard-mesh/${name}`,
    confirmed: `${state}/confirmed`,
    owner: `${state}/owner`,
    hostScript: `${state}/host.sh`,
    rotation: `${state}/rotation`,
    filters: [`/etc/wireguard/${name}.a.nft`, `/etc/wireguard/${name}.b.nft`],
    tasks: `${state}/tasks`,
    dropIn: `/etc/sysctl.d/60-wireguard-mesh-${name}.conf`,
    names: `/etc/wireguard-mesh/${name}.hosts`,
    namesUnit: `/etc/systemd/system/${namesUnitName(name)}`,
    dnsConfig: `/etc/wireguard-mesh/${name}.dnsmasq.conf`,
    dnsUnit: `/etc/systemd/system/${dnsUnitName(name)}`,
    dnsInitScript: `/etc/init.d/${dnsInitName(name)}`,
    initScript: `/etc/init.d/${initName(name)}`,
    watcherUnit: `/etc/systemd/system/${watcherUnitName(name)}`,
  };
}

export function configPath(name: string): string {
  return `/etc/wireguard/${name}.conf`;
}

/** The unit that brings the interface up (wg-quick(8)). */
export function wgQuickUnit(name: string): string {
  return `wg-quick@${name}.service`;
}

export function watcherUnitName(name: string): string {
  return `wireguard-mesh-keys-${name}.service`;
}

export function namesUnitName(name: string): string {
  return `wireguard-mesh-names-${name}.service`;
}

export function dnsUnitName(name: string): string {
  return `wireguard-mesh-dns-${name}.service`;
}

export function dnsInitName(name: string): string {
  return `wireguard-mesh-dns.${name}`;
}

export function initName(name: string): string {
  return `wireguard-mesh.${name}`;
}

/** The symbolic link of an enabled unit. */
export function unitLink(unit: string): string {
  return `/etc/systemd/system/multi-user.target.wants/${unit}`;
}

/** The symbolic link of an OpenRC script in the default runlevel. */
export function runlevelLink(script: string): string {
  return `/etc/runlevels/default/${script}`;
}
