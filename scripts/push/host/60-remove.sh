# Removes wireguard-mesh from the host: interface, files, start at boot, state.

# The login. $1: the last change at the time of the login. The answer is `remove KEY…`, with sysctls to switch off.
remove() {
  local tries=40
  lock 10 || fail "another change of $IFACE is running" "wait for it, then run up again"
  ! overtaken "$1" || return 0
  settle
  observe_and_read_answer
  if [ "$answer" != remove ]; then return; fi
  # Runs detached, because the connection may use the tunnel. A push that starts first replaces the token and so cancels it.
  for name in "$LOCK" "$RUN/pending"; do printf '%s\n' "$TOKEN" >"$name"; done
  printf '%s\n' "$argument" >"$RUN/sysctls-off"
  echo removing
  launch "$STATE/host.sh" tear-down "$TOKEN"
  unlock
  while [ -d "$STATE" ] && [ "$((tries -= 1))" -gt 0 ]; do pause 0.25; done
  [ ! -d "$STATE" ] || fail "the clean-up did not come to an end within 10 s" "finish it there: sudo sh $STATE/host.sh remove $IFACE"
  echo removed
}
tear_down_pending() {
  lock 25
  pending || return 0
  for key in $(first_line "$RUN/sysctls-off"); do echo 0 >"/proc/sys/$key"; done
  tear_down
}
# On the host: sh host.sh remove IFACE, sh host.sh release IFACE, sh host.sh rollback IFACE [SERIAL].
by_hand() {
  [ "$(id -u)" = 0 ] || fail "not root" "run it with sudo"
  [ -f "$STATE/owner" ] || fail "$IFACE was not made by wireguard-mesh; nothing was touched" "see ls /var/lib/wireguard-mesh for those that were"
  lock 25 || fail "another change of $IFACE is running" "wait for it"
  [ "$1" = release ] || settle
  case $1 in
    release) echo any >"$STATE/.owner.new" && mv "$STATE/.owner.new" "$STATE/owner" && echo "the next push may take $IFACE over" ;;
    rollback) roll_back "$TOKEN" ;;
    remove) tear_down && echo "$IFACE is removed. Forwarding stays as it is until the next boot: other programs may need it." ;;
  esac
}
tear_down() {
  local name
  watch_piece -
  for name in "wg-quick@$IFACE.service" "$KEYS_UNIT" "$NAMES_UNIT" "$DNS_UNIT"; do [ ! -L "/etc/systemd/system/multi-user.target.wants/$name" ] || commit_step disable "$name" >/dev/null 2>&1; done
  for name in "wireguard-mesh.$IFACE" "wireguard-mesh-dns.$IFACE"; do [ ! -e "/etc/init.d/$name" ] || commit_step openrc del "$name" >/dev/null 2>&1; done
  end_tasks
  if grep -q -s -w -F "$SECOND" "$STATE/confirmed" "$STATE/rotation"; then
    ! exists "$SECOND" || ip link del dev "$SECOND"
    for name in -4 -6; do ip "$name" rule del priority 5182 2>/dev/null; done
    rm -f "$SECOND_LIVE" "$(staged "$SECOND_LIVE")"
  fi
  # If all traffic goes into the tunnel: as in mesh/host/full-tunnel.ts.
  if grep -q -s '^Table = 51820$' "$LIVE"; then
    for name in -4 -6; do
      ip "$name" rule del priority 32764 table main suppress_prefixlength 0
      ip "$name" rule del priority 32765 not fwmark 0xca6c table 51820
    done 2>/dev/null
  fi
  ! exists "$IFACE" || ip link del dev "$IFACE"
  ! has nft || nft delete table inet "$TABLE" 2>/dev/null
  for name in $FILTERS; do rm -f "$name" "$(staged "$name")"; done
  serve_names stop
  rm -f "$NAMES" "$(staged "$NAMES")" "$DNS_CONFIG" "$(staged "$DNS_CONFIG")" && write_hosts
  rm -f "$LIVE" "$(staged "$LIVE")" "$DROP_IN" "$(staged "$DROP_IN")" "/etc/init.d/wireguard-mesh.$IFACE" "/etc/init.d/wireguard-mesh-dns.$IFACE" \
    "/etc/systemd/system/$KEYS_UNIT" "/etc/systemd/system/$NAMES_UNIT" "/etc/systemd/system/$DNS_UNIT" \
    "/etc/wireguard/.wireguard-mesh/$IFACE.conf" "/etc/wireguard/.wireguard-mesh/good/$IFACE.conf"
  rmdir /etc/wireguard-mesh /etc/wireguard/.wireguard-mesh/good /etc/wireguard/.wireguard-mesh 2>/dev/null
  # Systemd otherwise keeps the deleted units.
  ! with_systemd || timeout -k 1 10 systemctl daemon-reload 2>/dev/null
  # Deletions must survive a power cut. The owner file goes last, so that the removal can be repeated.
  to_disk
  rm -rf "$RUN" "$STATE"
  rmdir /run/wireguard-mesh /var/lib/wireguard-mesh 2>/dev/null || true
}
