# A change in four acts: apply stages it and arms the timer, carry-out does it, confirm makes it permanent, rollback
# undoes it. Until confirm, the file in /etc/wireguard is the former one: a power cut brings the former state back.
# shellcheck shell=sh disable=SC2154,SC2034

apply() {
  lock
  if overtaken; then
    tell "outcome overtaken"
    return 0
  fi
  preflight
  tell "now $(date +%s)"
  renew_sessions
  if [ "$(read_state digest)" = "$digest" ] && [ ! -f "$THIS_BOOT/pending" ] && [ ! -f "$STATE/commit" ] && healthy; then
    write_marks
    [ ! -w "$LIVE" ] || chmod 600 "$LIVE"
    enabled_at_boot || at_boot
    tell "outcome unchanged"
    tell "backend $(backend)"
    return 0
  fi
  refuse_own_lan
  take_up
  printf '%s' "$script" | base64 -d | whole "$script_sha256" host.sh
  former=$(recall pending)
  arm
  # Not `(…) || give_up`: there, `set -e` would be off inside.
  set +e
  (
    set -e
    fill_own_keys
    stage
    write_marks
  )
  staged=$?
  set -e
  [ "$staged" = 0 ] || give_up
  launch "$token" carry-out "$IFACE" "$token"
  tell "outcome pending"
}

# Keeps what comes in as a state, when it is what was sent.
whole() {
  { cat >"$STATE/.$2.sent"; } 2>/dev/null || no_room "$STATE"
  [ "$(digest_of "$STATE/.$2.sent")" = "$1" ] || damaged
  on_disk "$STATE/.$2.sent"
  mv "$STATE/.$2.sent" "$STATE/$2" || no_room "$STATE"
}

damaged() { die "the message was damaged on its way to the host; nothing was changed" "run up again"; }

# Everything that the change needs is on the disk, whole and checked, before anything is touched: what confirm does is
# to rename, for which there is room on a full disk.
stage() {
  rm -f "$STATE"/next-* "$STATE/commit" "$THIS_BOOT/result" "$THIS_BOOT/broken" "$STAGED"
  [ "$(printf '%s' "$config" | base64 -d 2>/dev/null | sha256sum | cut -d ' ' -f 1)" = "$sha256" ] || damaged
  for file in "$STAGED.new" "$GOOD.new"; do
    { printf '%s' "$config" | base64 -d >"$file"; } 2>/dev/null || no_room "$STAGE"
    [ "$(digest_of "$file")" = "$sha256" ] || no_room "$STAGE"
  done
  { : >"$STATE/log"; } 2>/dev/null || no_room "$STATE"
  tell "$digest" | write_state next-digest
  tell "$sha256" | write_state next-file
  tell "$FORMAT" | write_state next-format
  tell "$forwarding4 $forwarding6" | write_state next-forwarding
  tell "$probes" | write_state next-probes
  stage_keys
  stage_second
  tell "$token" | write_state next-commit
  stage_drop_in "$forwarding4" "$forwarding6"
  on_disk "$STAGED.new" "$GOOD.new"
  mv "$STAGED.new" "$STAGED"
  strip "$STAGED"
}

# Nothing was touched. Where an unconfirmed change of another push runs, the timer is left to undo it: its own is gone.
give_up() {
  if [ -z "$former" ]; then
    rm -f "$THIS_BOOT/pending"
    disarm "$(read_timer)"
  fi
  rm -f "$STAGED" "$STAGED.new" "$GOOD.new"
  exit 1
}

# Of this boot: after another one the former config runs, and a late confirmation must not make the new one permanent.
pending() { [ -n "$token" ] && [ "$(recall pending)" = "$token" ]; }

# Detached: the connection that brought the change may be cut by it.
carry_out() {
  lock
  pending || exit 0
  # shellcheck disable=SC2046 # two words are meant
  if (rehearse && converge "$STAGED" && set_forwarding $(read_state next-forwarding) &&
    force_handshakes next-probes && await_handshakes); then
    tell ok | remember result
  else
    tell "failed $(grep -v -e '^\[#\]' -e '^remedy:' "$STATE/log" | tail -n 1)" | remember result || true
    undo
  fi
}

# $1: where the addresses stand. One ping each makes WireGuard shake hands now instead of when somebody next speaks. Relays come first in the list.
force_handshakes() {
  pings=
  for probe in $(read_state "$1" | tr ' ' '\n' | head -n 16); do
    unlocked ping -c 1 -W 2 "$probe" >/dev/null 2>&1 &
    pings="$pings $!"
  done
  # Not for all that this shell has started: the watcher of pending keys may be among it.
  # shellcheck disable=SC2086 # words are meant
  [ -z "$pings" ] || wait $pings || true
}

confirm() {
  await_result
  prove_way
  lock
  pending || die "the change was undone on the host before it was confirmed" "run up again"
  commit
  tell "outcome confirmed"
  tell "now $(date +%s)"
  tell "backend $(running_backend)"
  note_silence
  note_firewall
}

# This login may be older than the change, and then proves nothing: so the operator must still hear this host, and be heard.
# Without `since` (attempt.ts) there is nobody to answer.
prove_way() {
  [ -n "${since:-}" ] || return 0
  tell carried-out
  answer=$(bounded 45 head -n 1 <&7) || true
  exec 7<&-
  [ "$answer" = seen ] || die "the connection broke after the change, so it is not confirmed" "run up again"
}

# The first renaming decides: what is cut before it is undone, what is cut after it is finished (by rollback, or by the
# next push after a boot).
commit() {
  mv "$STATE/next-commit" "$STATE/commit" 2>/dev/null || not_committed "$STATE"
  mv "$STAGED" "$LIVE" 2>/dev/null || not_committed "${LIVE%/*}"
  finish_commit
}

not_committed() {
  rm -f "$STATE/commit" 2>/dev/null || true
  undo >>"$STATE/log" 2>&1
  no_room "$1"
}

finish_commit() {
  replace "$STAGED" "$LIVE"
  replace "$GOOD.new" "$GOOD"
  for fact in file forwarding probes format digest; do replace "$STATE/next-$fact" "$STATE/$fact"; done
  commit_keys
  forget_own_keys
  place_drop_in
  # shellcheck disable=SC2046 # two words are meant
  forget_forwarding $(read_state forwarding)
  rm -f "$THIS_BOOT/pending"
  disarm "$(read_timer)"
  at_boot
  watch_at_boot
  rm -f "$STATE/commit"
  keep_over_power_cut
}

replace() { [ ! -f "$1" ] || mv "$1" "$2" || no_room "${2%/*}"; }

await_result() {
  until_true 25 settled || die "the change on the host did not come to an end within 25 s" "it will be undone; run up again"
  why=$(recall result | cut -d ' ' -f 2-)
  [ ! -f "$THIS_BOOT/broken" ] || die "the change failed on the host, and its former config could not be brought back: $why" \
    "look there: sudo wg-quick down $IFACE; sudo wg-quick up $IFACE; its last words are in $STATE/log"
  case $(recall result) in
    failed*ddress\ already\ in\ use*) die "the change failed on the host and was undone: its UDP port is taken there by another program" \
      "see which: sudo ss -lunp; then give this node another listenPort" ;;
    failed*) die "the change failed on the host and was undone: $why" "read $STATE/log on the host" ;;
  esac
}

settled() { [ "$(recall result)" = ok ] || ! pending; }

# What is called confirmed must be so after a power cut too; a file system may take half a minute to write by itself.
keep_over_power_cut() { bounded 10 sync -f "$LIVE" "$STATE" 2>/dev/null || bounded 10 sync || true; }

running_backend() { if ip -d link show dev "$IFACE" 2>/dev/null | grep -qw wireguard; then tell kernel; else tell userspace; fi; }

# Not an error: the other side may be off. But nobody should think that the tunnel was seen to work.
note_silence() {
  { recall keys | awk '$1 == "pair" { print "next", $3 }'
    wg show "$IFACE" dump | sed 1d; } | awk '
    $1 == "next" { staged[$2] = 1; next }
    $3 != "(none)" && $5 == 0 && !staged[$1] { print "note no handshake yet with " $1 " at " $3 }'
}
