# Words, places, the lock and the disk. Sent to the host on stdin; POSIX sh, tried under dash, bash and busybox ash.
# shellcheck shell=sh
set -eu
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH LC_ALL=C
# wireguard-go of before 2022 refuses to run beside a kernel that could have WireGuard, and says so at length.
export WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1
# A name that nobody knows would hold wg for 72 s, longer than a change may last (config.c, parse_endpoint).
export WG_ENDPOINT_RESOLUTION_RETRIES=3

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
  # What was confirmed last, for the day when somebody has edited or deleted the live file by hand.
  GOOD=$STAGE/good/$IFACE.conf
  DROP_IN=/etc/sysctl.d/60-wireguard-mesh-$IFACE.conf
  INIT_SCRIPT=/etc/init.d/wireguard-mesh.$IFACE
  TIMER=wireguard-mesh-rollback-$IFACE
  # What is true until the next boot and no longer: /run is emptied by it, /var/lib is not.
  THIS_BOOT=/run/wireguard-mesh/$IFACE
  # Not in /run/lock, where anybody may make files on some systems. Stays until the next boot, after a removal too.
  LOCK=/run/wireguard-mesh.lock/$IFACE
}

# One at a time on this host and interface. The kernel frees the lock when its holder dies, however it dies.
lock() { take_lock || die "another change of $IFACE has been running for 25 s" "wait for it, then run up again"; }

take_lock() {
  # A shell ends without our words when `exec` cannot open a file.
  { mkdir -p "${LOCK%/*}" && (: >>"$LOCK"); } 2>/dev/null || no_room "${LOCK%/*}"
  exec 9>>"$LOCK"
  until_true 25 flock -n 9
}

# Tries a command until it succeeds, for so many seconds: not by the clock, which may jump. Not every sleep takes fractions.
until_true() {
  deadline=$(($(uptime_cs) + $1 * 100))
  shift
  until "$@"; do
    [ "$(uptime_cs)" -le "$deadline" ] || return 1
    sleep 0.1 2>/dev/null || sleep 1
  done
}

# Hundredths of a second since the boot.
uptime_cs() {
  read -r up _ </proc/uptime
  tell "${up%.*}${up#*.}"
}

# A push that logged in before another one began must not come after it: its sender may be gone, and a newer run done.
# `since` is when its login was ready (attempt.ts), the lock's file says when the last change began; both by our uptime.
overtaken() {
  begun=$(cat "$LOCK")
  [ -n "${since:-}" ] && [ -n "$begun" ] && [ "$begun" -gt "$since" ]
}
take_up() { { uptime_cs >"$LOCK"; } 2>/dev/null || no_room "${LOCK%/*}"; }

# Daemons and detached shells must not inherit the lock, or it would outlive this script.
unlocked() { "$@" 8>&- 9>&-; }

# Runs the host's script with a verb on, after this shell and its connection are gone; $1 tells this run from others. Where
# systemd runs, as a unit of its own: logind may end whatever a login leaves behind (logind.conf(5), KillUserProcesses).
launch() {
  unit=wireguard-mesh-$2-$IFACE-$1
  shift
  # shellcheck disable=SC2016 # expanded by the inner shell
  if with_systemd && has systemd-run && bounded 10 systemd-run --quiet --collect --unit="$unit" \
    /bin/sh -c 'exec "$@" >>"$0" 2>&1' "$STATE/log" /bin/sh "$STATE/host.sh" "$@" </dev/null >/dev/null 2>&1; then
    return 0
  fi
  detached sh "$STATE/host.sh" "$@"
}

detached() {
  if has setsid; then
    setsid "$@" </dev/null >>"$STATE/log" 2>&1 8>&- 9>&- &
  else
    nohup "$@" </dev/null >>"$STATE/log" 2>&1 8>&- 9>&- &
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

# Whole or not at all, also when the power goes: beside the old file, on the disk, then renamed over it.
write_state() {
  { cat >"$STATE/.$1.new" && on_disk "$STATE/.$1.new" && mv "$STATE/.$1.new" "$STATE/$1"; } 2>/dev/null || no_room "$STATE"
}

# A file system may write a new name seconds before what is in the file (ext4's delayed allocation), and after a power cut
# the file is empty. An older sync takes no files.
on_disk() { sync "$@" 2>/dev/null || sync; }

remember() {
  { mkdir -p "$THIS_BOOT" && cat >"$THIS_BOOT/.$1.new" && mv "$THIS_BOOT/.$1.new" "$THIS_BOOT/$1"; } 2>/dev/null ||
    no_room "$THIS_BOOT"
}
recall() { if [ -f "$THIS_BOOT/$1" ]; then cat "$THIS_BOOT/$1"; fi; }

# $1: where something could not be written. Names the file system, and what ails it.
no_room() {
  place=$1
  while [ ! -d "$place" ]; do place=${place%/*}; done
  mount=$(df -P "$place" 2>/dev/null | awk 'NR == 2 { print $6 }')
  mount=${mount:-$place}
  if awk -v at="$mount" '$2 == at { options = $4 } END { exit options !~ /(^|,)ro(,|$)/ }' /proc/mounts; then
    die "the file system $mount is read-only, so nothing can be written to $1" \
      "look there for why (dmesg | tail), then: mount -o remount,rw $mount"
  elif [ "$(df -P -i "$place" 2>/dev/null | awk 'NR == 2 && $2 > 0 { print $4 }')" = 0 ]; then
    die "the file system $mount has no inode left, so nothing can be written to $1" "remove files there; see: df -i $mount"
  fi
  die "the file system $mount is full, so nothing can be written to $1" "make room there; see: df -h $mount"
}

digest_of() { sha256sum "$1" | cut -d ' ' -f 1; }
