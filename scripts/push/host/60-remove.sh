# Takes everything of ours off the host: interface, file, unit, sysctl, state.
# shellcheck shell=sh disable=SC2154

remove() {
  if [ ! -f "$STATE/owner" ]; then
    tell "outcome absent"
    return 0
  fi
  marked=$(marks_in "$STATE/owner")
  if [ "$marked" != "$(marks)" ] && [ "$marked" != any ]; then
    tell "outcome left"
    tell "note $IFACE there belongs to ${marked% *}, or the node has moved to it since: nothing was touched"
    return 0
  fi
  lock
  if overtaken; then
    tell "outcome overtaken"
    return 0
  fi
  take_up
  tell "outcome removing"
  disarm "$(read_timer)"
  rm -f "$THIS_BOOT/pending"
  # Detached, for the way in may be the tunnel that goes.
  launch "$$" tear-down "$IFACE"
  # The lock must be free for it, and closing this descriptor frees it.
  exec 9>&-
  await_removal
}

await_removal() {
  until_true 10 gone || die "the clean-up did not come to an end within 10 s" "finish it there: sudo sh $STATE/host.sh remove $IFACE"
  tell "outcome removed"
}

gone() { [ ! -d "$STATE" ]; }

tear_down() {
  lock
  remove_keys
  take_down
  not_at_boot
  set_forwarding 0 0
  rm -f "$LIVE" "$STAGED" "$STAGED.new" "$GOOD" "$GOOD.new" "$DROP_IN" "$DROP_IN.new"
  rmdir "$STAGE/good" "$STAGE" 2>/dev/null || true
  # A power cut must not bring back what is reported as removed.
  bounded 5 sync -f /etc "$STATE" 2>/dev/null || true
  # The owner mark goes last but for its folder: a clean-up that is cut can be run again.
  rm -f /run/wireguard-mesh-install.log
  rm -rf "$THIS_BOOT" "$STATE"
  rmdir /run/wireguard-mesh /var/lib/wireguard-mesh 2>/dev/null || true
}

# By hand, on the host: lets another stack or node take over what is here without an interruption.
release() {
  lock
  tell any | write_state owner
  say "$IFACE may now be taken over by the next push"
}
