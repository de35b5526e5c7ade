/** Changes a lab's host to resemble other systems: another shell, busybox, another package manager or init system. */
import * as assert from "node:assert/strict";
import type { Lab } from "../../../scripts/lab/lab";

/** Runs a script on a host as root and asserts success. @returns its stdout */
export async function on(lab: Lab, host: string, script: string): Promise<string> {
  const done = await lab.exec(host, ["bash", "-ec", script]);
  assert.equal(done.code, 0, `${host}: ${script}\n${done.stderr}`);
  return done.stdout;
}

export function useShell(lab: Lab, host: string, shell: string): Promise<string> {
  return on(lab, host, `ln -sf "$(command -v ${shell})" /usr/bin/sh`);
}

/** Replaces tools by busybox applets, except ip, which has no WireGuard support, and setpriv, which the lab needs. */
export function useBusybox(lab: Lab, host: string): Promise<string> {
  const script = `for tool in $(busybox --list); do
      case $tool in ip | setpriv | sh | ash | busybox | "[" | "[[") continue ;; esac
      ln -sf "$(command -v busybox)" "/usr/local/bin/$tool"
    done
    ln -sf "$(command -v busybox)" /usr/bin/sh`;
  return on(lab, host, script);
}

/**
 * Replaces apt-get by a fake package manager, which logs its arguments and "installs" the tools that were removed before.
 * It does not show which packages a real one would install.
 */
export function usePackageManager(lab: Lab, host: string, manager: string): Promise<string> {
  const script = `mkdir -p /root/away
    rm -f "$(command -v apt-get)"
    mv "$(command -v wg)" "$(command -v wg-quick)" /root/away/
    cat >/usr/local/bin/${manager} <<'END'
#!/bin/sh
echo "${manager} $*" >>/var/log/stand-in
ln -sf /root/away/wg /root/away/wg-quick /usr/bin/
END
    chmod 755 /usr/local/bin/${manager}`;
  return on(lab, host, script);
}

/** Installs a fake rc-update, which logs its arguments and keeps the default runlevel as links, like OpenRC. */
export function useOpenRc(lab: Lab, host: string): Promise<string> {
  const script = `mkdir -p /etc/init.d /etc/runlevels/default
    cat >/usr/local/bin/rc-update <<'END'
#!/bin/sh
echo "rc-update $*" >>/var/log/stand-in
[ -x "/etc/init.d/$2" ] || exit 1
case $1 in
  add) ln -sf "/etc/init.d/$2" "/etc/runlevels/$3/$2" ;;
  del) rm "/etc/runlevels/$3/$2" ;;
esac
END
    chmod 755 /usr/local/bin/rc-update`;
  return on(lab, host, script);
}

/** Does what OpenRC does at boot: sets sysctls and runs the services of the default runlevel. */
export function bootOpenRc(lab: Lab, host: string): Promise<string> {
  const script = `cat /etc/sysctl.d/*wireguard-mesh*.conf | sysctl -q -p -
    ebegin() { :; }; eend() { return "$1"; }
    for service in /etc/runlevels/default/*; do (. "$service" && start); done`;
  return on(lab, host, script);
}

/** The files and interfaces that wireguard-mesh has left on a host, except the lock file, which stays until reboot. */
export async function leftoversOn(lab: Lab, host: string): Promise<string[]> {
  const places = "/etc /var/lib /run /sys/class/net /usr/local/bin";
  const script = `find ${places} ! -type p \\( -name '*wireguard-mesh*' -o -name 'wg0*' \\) 2>/dev/null | grep -v '^/run/wireguard-mesh.lock' || true`;
  return (await on(lab, host, script)).split("\n").filter(Boolean);
}
