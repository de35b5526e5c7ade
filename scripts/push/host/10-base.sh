# Paths, the lock, and starting programs. POSIX sh with `local`: dash, bash, busybox ash and mksh.
NL='
'
TAB='	'
QUESTIONS=
# Seconds until an unconfirmed change is undone (scripts/push/limits.ts), and until one that hangs is.
UNDO_AFTER_S=45
CHANGE_S=90

# Outside of functions there are only assignments.
set_paths() {
  case ${KSH_VERSION-} in *93*) echo "error: sh is ksh93 on this host, which has no local variables" >&2 && exit 1 ;; esac
  set -u && umask 077
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  # wireguard-go before 2022 refuses to run on a kernel that could have WireGuard.
  export PATH LC_ALL=C WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1
  IFACE=$1
  case $IFACE in '' | .* | *[!A-Za-z0-9_=+.-]* | ????????????????*) fail "$IFACE is no interface name" "it has 1 to 15 of A-Z a-z 0-9 _ = + . -" ;; esac
  # A relay's second interface during a rotation, as alternateName in mesh/plan/rotation.ts.
  SECOND=$(printf '%.10s-next' "$IFACE")
  [ "$SECOND" != "$IFACE" ] || SECOND=$(printf '%.10s-rotn' "$IFACE")
  LIVE=/etc/wireguard/$IFACE.conf
  SECOND_LIVE=/etc/wireguard/$SECOND.conf
  # The nft table and its files at boot, as filterTable in mesh/filter-table.ts and mesh/host/paths.ts.
  TABLE=wireguard-mesh-$IFACE
  case $IFACE in *[=+]*) TABLE=$(printf '%s' "$TABLE" | sed 's,=,/e,g; s,+,/p,g') ;; esac
  FILTERS="/etc/wireguard/$IFACE.a.nft /etc/wireguard/$IFACE.b.nft"
  DROP_IN=/etc/sysctl.d/60-wireguard-mesh-$IFACE.conf
  KEYS_UNIT=wireguard-mesh-keys-$IFACE.service
  NAMES=/etc/wireguard-mesh/$IFACE.hosts
  DNS_CONFIG=/etc/wireguard-mesh/$IFACE.dnsmasq.conf
  NAMES_UNIT=wireguard-mesh-names-$IFACE.service
  DNS_UNIT=wireguard-mesh-dns-$IFACE.service
  DNS_PID=/run/wireguard-mesh-dns-$IFACE.pid
  MARK="# wireguard-mesh $IFACE"
  TASKS_TIMER=wireguard-mesh-tasks-$IFACE.timer
  STATE=/var/lib/wireguard-mesh/$IFACE
  # Emptied by every boot.
  RUN=/run/wireguard-mesh/$IFACE
  CHANGE=$RUN/change
  # Holds the token of the last change. Not in /run/lock, which anyone may write to on some systems.
  LOCK=/run/wireguard-mesh.lock/$IFACE
}
fail() {
  printf 'error: %s\nremedy: %s\n' "$1" "$2" >&2
  exit 1
}
# $1: a path; $2: the error of the program that could not write it. The push program has better remedies for many errors.
cannot_write() { fail "cannot write $1: ${2##*: }" "look on the host: ls -ld $1; df -h ${1%/*}"; }
# Prints the error if a file cannot be written. `true`, because a failed redirection of `:` ends some shells.
can_write() { { true >>"$1"; } 2>&1; }

# One login, change or removal at a time; $1: seconds to wait. The lock is duplicated to 8, because mksh closes descriptors
# above 2 when it starts a program, but not a duplicate. Long-lived programs must not inherit the lock.
lock() {
  [ -d "${LOCK%/*}" ] || mkdir -p "${LOCK%/*}"
  words=$(can_write "$LOCK") || cannot_write "$LOCK" "$words"
  exec 9>>"$LOCK"
  flock -n 8 8>&9 || { [ "$1" != 0 ] && timeout "$1" flock 8 8>&9; }
}
unlock() { exec 9>&-; }
without_lock() { "$@" 9>&-; }
# Starts $1 (host.sh) with the verb $2 and the token $3 so that it outlives the login. With systemd it is a unit, because
# logind may kill processes of a closed login (logind.conf(5), KillUserProcesses); systemd restarts it if it is killed.
launch() {
  set -- "$1" "$2" "$IFACE" "$3"
  with_systemd && has systemd-run && without_lock timeout -k 1 10 systemd-run --quiet --collect --property=Restart=on-failure \
    --property=RestartSec=1 --unit="wireguard-mesh-$2-$IFACE-$4" /bin/sh "$@" </dev/null >/dev/null 2>&1 && return
  detach "$@"
}
detach() {
  if has setsid; then set -- setsid sh "$@"; else set -- nohup sh "$@"; fi
  # Not by without_lock: a background function would keep the login's output open.
  "$@" </dev/null >/dev/null 2>&1 9>&- &
}
has() { command -v "$1" >/dev/null 2>&1; }
with_systemd() { [ -d /run/systemd/system ] && has systemctl; }
exists() { [ -e "/sys/class/net/$1" ]; }
pause() { sleep "$1" 2>/dev/null || sleep 1; }
# Starts no process.
has_line() {
  [ -r "$2" ] || return 1
  while IFS= read -r line; do [ "$line" != "$1" ] || return 0; done <"$2"
  return 1
}
first_line() { [ ! -f "$1" ] || { IFS= read -r line <"$1" && printf '%s' "$line"; }; }
