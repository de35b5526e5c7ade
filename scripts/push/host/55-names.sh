# The names of nodes in /etc/hosts: the file NAMES between two marker lines. Every other byte is kept. Below, the DNS server of
# a relay.

# Prints a sed(1) command that deletes the block in the file $1; nothing if one of the markers is missing.
hosts_block() { awk -v first="$MARK begin" -v last="$MARK end" '$0 == first { from = NR } $0 == last && from { print from "," NR "d"; exit }' "$1" 2>/dev/null; }
observe_hosts() {
  awk -v first="$MARK begin" -v last="$MARK end" '$0 == first { text = ""; on = 1 } on { text = text $0 "\n" } $0 == last && on { printf "%s", text; exit }' /etc/hosts
}
# Updates the block, or removes it if there is no file NAMES. /etc/hosts may be a link, or in a container a mount point, which
# cannot be replaced. Owner, mode and security label are kept.
write_hosts() {
  local file=/etc/hosts new block end
  [ ! -L "$file" ] || file=$(readlink -f "$file")
  new=$(staged "$file") && block=$(hosts_block "$file")
  [ -n "$block" ] || [ -f "$NAMES" ] || return 0
  { [ -e "$file" ] || (umask 022 && : >"$file"); } && cp -a "$file" "$new" 2>/dev/null || new=$STATE/.hosts.new
  # If the last line has no line end, the block goes to the start of the file.
  end=$(tail -c 1 "$file")
  { { [ -z "$end" ] || print_names; } && sed "$block" "$file" && { [ -n "$end" ] || print_names; }; } >"$new" || return 1
  { [ "${new%/*}" != "$STATE" ] && mv "$new" "$file" 2>/dev/null; } || { cat "$new" >"$file" && rm -f "$new"; } || return 1
  [ ! -d /etc/cloud ] || with_systemd || ! grep -q manage_etc_hosts "$file" || { echo "cloud-init writes /etc/hosts again at every boot, without these names, until manage_etc_hosts is false in /etc/cloud" && return 1; }
}
print_names() { [ ! -f "$NAMES" ] || { echo "$MARK begin" && cat "$NAMES" && echo "$MARK end"; }; }

# The DNS server of a relay (mesh/host/dns-server.ts). $1: reload, restart or stop.
serve_names() {
  local process tries=50
  process=$(dns_process)
  [ -n "$process" ] || [ "$1" = restart ] || return 0
  [ "$1" != reload ] || { kill -HUP "$process"; return; }
  if [ -n "$process" ]; then
    kill "$process"
    while [ -d "/proc/$process" ] && [ "$((tries -= 1))" -gt 0 ]; do pause 0.1; done
    rm -f "$DNS_PID"
  fi
  [ "$1" = restart ] || return 0
  if with_systemd; then
    timeout -k 1 10 systemctl daemon-reload && timeout -k 1 10 systemctl restart "$DNS_UNIT"
  else
    without_lock timeout 10 dnsmasq -C "$DNS_CONFIG" -x "$DNS_PID"
  fi
}
dns_process() {
  local process
  [ -f "$DNS_PID" ] && process=$(first_line "$DNS_PID") || return 0
  ! grep -q -s -F "$DNS_CONFIG" "/proc/${process:-none}/cmdline" || echo "$process"
}
