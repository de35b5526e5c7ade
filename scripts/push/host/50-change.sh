# A change in four acts: apply stages it and arms the timer, carry-out does it, confirm makes it permanent, rollback
# undoes it. Until confirm, the file in /etc/wireguard is the former one: a power cut brings the former state back.
# shellcheck shell=sh disable=SC2154,SC2034

apply() {
  lock
  preflight
  if [ "$(read_state digest)" = "$digest" ] && [ ! -f "$THIS_BOOT/pending" ] && healthy && forwarding_fits; then
    write_marks
    tell "outcome unchanged"
    tell "backend $(backend)"
    return 0
  fi
  stage
  write_marks
  arm
  detached sh "$STATE/host.sh" carry-out "$IFACE" "$token"
  tell "outcome pending"
}

forwarding_fits() {
  [ "$(read_state forwarding)" = "$forwarding4 $forwarding6" ] || return 1
  [ "$forwarding4" = 0 ] || [ "$(sysctl_value net.ipv4.ip_forward)" = 1 ] || return 1
  [ "$forwarding6" = 0 ] || [ "$(sysctl_value net.ipv6.conf.all.forwarding)" = 1 ]
}

# Everything that the change needs is on the disk, whole and checked, before anything is touched.
stage() {
  printf '%s' "$config" | base64 -d >"$STAGED.new" || full_disk
  sync "$STAGED.new" 2>/dev/null || sync
  [ "$(digest_of "$STAGED.new")" = "$sha256" ] || full_disk
  mv "$STAGED.new" "$STAGED"
  strip "$STAGED" "$STATE/stripped"
  rm -f "$STATE/stripped"
  printf '%s' "$script" | base64 -d | write_state host.sh
  tell "$digest" | write_state next-digest
  tell "$forwarding4 $forwarding6" | write_state next-forwarding
  tell "$probes" | write_state next-probes
  rm -f "$STATE/result" "$STATE/log"
}

# The dead-man timer. It needs no connection and outlives this shell; the token makes an old one harmless.
arm() {
  tell "$token" | remember pending
  disarm
  if with_systemd && has systemd-run && unlocked systemd-run --quiet --collect --on-active="$timeout" \
    --timer-property=AccuracySec=1s --unit="$TIMER" /bin/sh "$STATE/host.sh" rollback "$IFACE" "$token" 2>/dev/null; then
    return 0
  fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  detached sh -c 'sleep "$1"; exec sh "$2" rollback "$3" "$4"' sh "$timeout" "$STATE/host.sh" "$IFACE" "$token"
  tell "$!" | write_state timer
}

# A sleeper leads a session of its own; by now its number may be another's, which its command line tells.
disarm() {
  if with_systemd; then systemctl stop "$TIMER.timer" 2>/dev/null || true; fi
  sleeper=$(read_state timer)
  if [ -n "$sleeper" ] && [ "$sleeper" != $$ ] && grep -q rollback "/proc/$sleeper/cmdline" 2>/dev/null; then
    kill -- "-$sleeper" 2>/dev/null || true
  fi
  rm -f "$STATE/timer"
}

# Of this boot: after another one the former config runs, and a late confirmation must not make the new one permanent.
pending() { [ -n "$token" ] && [ "$(recall pending)" = "$token" ]; }

# Detached: the connection that brought the change may be cut by it.
carry_out() {
  lock
  pending || exit 0
  if (converge "$STAGED" && set_forwarding "$(read_state next-forwarding | cut -d ' ' -f 1)" \
    "$(read_state next-forwarding | cut -d ' ' -f 2)"); then
    force_handshakes next-probes
    tell ok | write_state result
  else
    tell "failed $(grep -v -e '^\[#\]' -e '^remedy:' "$STATE/log" | tail -n 1)" | write_state result
    undo
  fi
}

# $1: where the addresses stand. One ping each makes WireGuard shake hands now instead of when somebody next speaks. Relays come first in the list.
force_handshakes() {
  for probe in $(read_state "$1" | tr ' ' '\n' | head -n 16); do
    unlocked ping -c 1 -W 2 "$probe" >/dev/null 2>&1 &
  done
  wait
}

confirm() {
  await_result
  lock
  pending || die "the change was undone on the host before it was confirmed" "run up again"
  mv "$STAGED" "$LIVE"
  digest_of "$LIVE" | write_state file
  mv "$STATE/next-digest" "$STATE/digest"
  mv "$STATE/next-forwarding" "$STATE/forwarding"
  mv "$STATE/next-probes" "$STATE/probes"
  # shellcheck disable=SC2046 # two words are meant
  write_drop_in $(read_state forwarding)
  rm -f "$THIS_BOOT/pending"
  disarm
  at_boot
  keep_over_power_cut
  tell "outcome confirmed"
  tell "backend $(running_backend)"
  note_silence
}

await_result() {
  until_true 15 settled || die "the change on the host did not come to an end within 15 s" "it will be undone; run up again"
  case $(read_state result) in
    failed*) die "the change failed on the host and was undone: $(read_state result | cut -d ' ' -f 2-)" "read $STATE/log on the host" ;;
  esac
}

settled() { [ -f "$STATE/result" ] || ! pending; }

# What is called confirmed must be so after a power cut too; a file system may take half a minute to write by itself.
keep_over_power_cut() { bounded 10 sync -f "$LIVE" "$STATE" 2>/dev/null || bounded 10 sync || true; }

at_boot() {
  if with_systemd; then
    # Without a reload of systemd, which takes seconds on a small machine: the next boot reads it anyway.
    systemctl --quiet --no-reload enable "wg-quick@$IFACE.service" 2>/dev/null || tell "note wg-quick@$IFACE could not be enabled: it will not come up at boot"
  else
    tell "note this host has no systemd: $IFACE will not come up by itself after a reboot"
  fi
}

running_backend() { if ip -d link show dev "$IFACE" 2>/dev/null | grep -qw wireguard; then tell kernel; else tell userspace; fi; }

# Not an error: the other side may be off. But nobody should think that the tunnel was seen to work.
note_silence() {
  wg show "$IFACE" dump | awk 'NR > 1 && $3 != "(none)" && $5 == 0 { print "note no handshake yet with " $1 " at " $3 }'
}

rollback() {
  lock
  pending || exit 0
  say "not confirmed in time: going back"
  undo
}

# Back to the file in /etc/wireguard, or to no interface at all where there was none.
undo() {
  if [ -f "$LIVE" ]; then
    converge "$LIVE" || restart "$LIVE"
    # shellcheck disable=SC2046 # two words are meant
    set_forwarding $(read_state forwarding)
    force_handshakes probes
  else
    take_down
    set_forwarding 0 0
  fi
  rm -f "$THIS_BOOT/pending" "$STATE/next-digest" "$STATE/next-forwarding" "$STATE/next-probes" "$STAGED"
  tell "$token" | write_state rolled-back
  disarm
}

take_down() {
  link_exists || return 0
  for file in "$STAGED" "$LIVE"; do
    if [ -f "$file" ] && bounded 20 wg-quick down "$file" 2>/dev/null; then return 0; fi
  done
  ip link del dev "$IFACE" || true
}
