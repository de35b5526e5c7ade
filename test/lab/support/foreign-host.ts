/** Makes a lab's host as foreign as others have them: another shell, a small userland, another package manager, another init. */
import * as assert from "node:assert/strict";
import type { Lab } from "../../../scripts/lab/lab";

/** Runs a script there as root; it must succeed. */
export async function on(lab: Lab, host: string, script: string): Promise<string> {
  const done = await lab.exec(host, ["bash", "-ec", script]);
  assert.equal(done.code, 0, `${host}: ${script}\n${done.stderr}`);
  return done.stdout;
}

export function useShell(lab: Lab, host: string, shell: string): Promise<string> {
  return on(lab, host, `ln -sf "$(command -v ${shell})" /usr/bin/sh`);
}

/** All that busybox has instead of what Debian has, but ip, which it cannot do for WireGuard, and setpriv, by which the lab gets in. */
export function useBusybox(lab: Lab, host: string): Promise<string> {
  const script = `for tool in $(busybox --list); do
      case $tool in ip | setpriv | sh | ash | busybox | "[" | "[[") continue ;; esac
      ln -sf "$(command -v busybox)" "/usr/local/bin/$tool"
    done
    ln -sf "$(command -v busybox)" /usr/bin/sh`;
  return on(lab, host, script);
}

/**
 * A STAND-IN for a package manager: it notes how it is called, and "installs" by putting back the tools that were taken
 * away before. Which packages a real one would bring is not shown by it.
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

/** A STAND-IN for OpenRC: rc-update notes how it is called and keeps the default runlevel as links, which is OpenRC's own form. */
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

/** What OpenRC does at boot: sets sysctls, and runs the services of the default runlevel. */
export function bootOpenRc(lab: Lab, host: string): Promise<string> {
  const script = `cat /etc/sysctl.d/*wireguard-mesh*.conf | sysctl -q -p -
    ebegin() { :; }; eend() { return "$1"; }
    for service in /etc/runlevels/default/*; do (. "$service" && start); done`;
  return on(lab, host, script);
}

/** What stands of ours anywhere on a host, by name; the lock's file stays until the next boot, by design. */
export async function oursOn(lab: Lab, host: string): Promise<string[]> {
  const places = "/etc /var/lib /run /sys/class/net /usr/local/bin";
  const script = `find ${places} ! -type p \\( -name '*wireguard-mesh*' -o -name 'wg0*' \\) 2>/dev/null | grep -v '^/run/wireguard-mesh.lock' || true`;
  return (await on(lab, host, script)).split("\n").filter(Boolean);
}
