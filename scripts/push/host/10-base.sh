# Words, places and the lock. Sent to the host on stdin; POSIX sh, tried under dash, bash and busybox ash.
# shellcheck shell=sh
set -eu
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH LC_ALL=C
# wireguard-go of before 2022 refuses to run beside a kernel that could have WireGuard, and says so at length.
export WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1

say() { printf '%s\n' "$*" >&2; }
tell() { printf '%s\n' "$*"; }

# What is wrong, and how to mend it: the operator reads these two lines, and no others.
die() {
  say "error: $1"
  say "remedy: $2"
  exit 1
}

# Every path follows from the interface, so that two networks on one host never meet.
set_places() {
  IFACE=$1
  case $IFACE in '' | *[!A-Za-z0-9_=+.-]* | ????????????????*) die "no interface name" "this is a bug: report it" ;; esac
  STATE=/var/lib/wireguard-mesh/$IFACE
  LIVE=/etc/wireguard/$IFACE.conf
  STAGE=/etc/wireguard/.wireguard-mesh
  STAGED=$STAGE/$IFACE.conf
  DROP_IN=/etc/sysctl.d/60-wireguard-mesh-$IFACE.conf
  TIMER=wireguard-mesh-rollback-$IFACE
  # What is true until the next boot and no longer: /run is emptied by it, /var/lib is not.
  THIS_BOOT=/run/wireguard-mesh/$IFACE
}

# One at a time on this host and interface. The kernel frees the lock when its holder dies, however it dies.
lock() {
  mkdir -p /run/lock
  exec 9>"/run/lock/wireguard-mesh-$IFACE"
  until_true 25 flock -n 9 || die "another change of $IFACE has been running for 25 s" "wait for it, then run up again"
}

# Tries a command until it succeeds, for so many seconds. Not every sleep takes fractions.
until_true() {
  deadline=$(($(date +%s) + $1))
  shift
  until "$@"; do
    [ "$(date +%s)" -le "$deadline" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# Daemons and detached shells must not inherit the lock, or it would outlive this script.
unlocked() { "$@" 9>&-; }

# Runs on after this shell and its connection are gone.
detached() {
  if has setsid; then
    setsid "$@" </dev/null >>"$STATE/log" 2>&1 9>&- &
  else
    nohup "$@" </dev/null >>"$STATE/log" 2>&1 9>&- &
  fi
}

# A command that hangs must not hold a host half changed for ever.
bounded() {
  seconds=$1
  shift
  if has timeout; then unlocked timeout "$seconds" "$@"; else unlocked "$@"; fi
}

has() { command -v "$1" >/dev/null 2>&1; }
with_systemd() { [ -d /run/systemd/system ] && has systemctl; }
link_exists() { [ -e "/sys/class/net/$IFACE" ]; }
read_state() { if [ -f "$STATE/$1" ]; then cat "$STATE/$1"; fi; }

# Whole or not at all, also when the power goes: beside the old file, then renamed over it.
write_state() {
  { cat >"$STATE/.$1.new" && mv "$STATE/.$1.new" "$STATE/$1"; } || full_disk
}

remember() {
  { mkdir -p "$THIS_BOOT" && cat >"$THIS_BOOT/.$1.new" && mv "$THIS_BOOT/.$1.new" "$THIS_BOOT/$1"; } || full_disk
}
recall() { if [ -f "$THIS_BOOT/$1" ]; then cat "$THIS_BOOT/$1"; fi; }

full_disk() {
  rm -f "$STAGED.new"
  die "could not write to the host's disk; the running config was not touched" \
    "look for a full or read-only disk there: df -h /etc /var; df -i /etc; mount"
}

digest_of() { sha256sum "$1" | cut -d ' ' -f 1; }
