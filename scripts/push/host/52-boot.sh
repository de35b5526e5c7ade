# Coming up at boot: by systemd, by OpenRC, or by whatever the host has, which then is its owner's to tell.
# shellcheck shell=sh disable=SC2154

boot_by() {
  if with_systemd; then
    tell systemd
  elif has rc-update && [ -d /etc/init.d ]; then
    tell openrc
  else
    tell none
  fi
}

at_boot() {
  case $(boot_by) in
    systemd)
      # Without a reload of systemd, which takes seconds on a small machine: the next boot reads it anyway.
      systemctl --quiet --no-reload enable "wg-quick@$IFACE.service" 2>/dev/null || boot_note "wg-quick@$IFACE could not be enabled" ;;
    openrc)
      if ! write_init_script || ! unlocked rc-update add "wireguard-mesh.$IFACE" default >/dev/null 2>&1; then
        boot_note "wireguard-mesh.$IFACE could not be added to the default runlevel"
      fi ;;
    none) boot_note "this host has neither systemd nor OpenRC" ;;
  esac
}

boot_note() {
  tell "note $1: $IFACE will not come up by itself after a reboot. Let its start-up run: wg-quick up $IFACE (a line in /etc/rc.local, or @reboot in root's crontab)"
}

# openrc-run(8). Alpine's package has one of its own; this one needs none.
write_init_script() {
  { tell "#!/sbin/openrc-run"
    tell "description=\"WireGuard interface $IFACE, by wireguard-mesh\""
    tell "depend() { need localmount; use net dns; after firewall; }"
    tell "start() { ebegin \"Starting $IFACE\"; wg-quick up $IFACE; eend \$?; }"
    tell "stop() { ebegin \"Stopping $IFACE\"; wg-quick down $IFACE; eend \$?; }"; } >"$INIT_SCRIPT.new" &&
    chmod 755 "$INIT_SCRIPT.new" && on_disk "$INIT_SCRIPT.new" && mv "$INIT_SCRIPT.new" "$INIT_SCRIPT"
}

# As far as it can be known here: without either, it is its owner's to know.
enabled_at_boot() {
  case $(boot_by) in
    systemd) [ -L "/etc/systemd/system/multi-user.target.wants/wg-quick@$IFACE.service" ] ;;
    openrc) [ -x "$INIT_SCRIPT" ] && [ -L "/etc/runlevels/default/wireguard-mesh.$IFACE" ] ;;
  esac
}

not_at_boot() {
  case $(boot_by) in
    systemd) systemctl --quiet --no-reload disable "wg-quick@$IFACE.service" 2>/dev/null || true ;;
    openrc)
      unlocked rc-update del "wireguard-mesh.$IFACE" default >/dev/null 2>&1 || true
      rm -f "$INIT_SCRIPT" ;;
  esac
}
