# The steps of a change and of its undo, one command each. mesh/host/change.ts describes them.

# $1: `apply` stops at the first step that fails, with its error in RUN/log; `undo` runs every step.
run_steps() {
  local step failed=0
  # shellcheck disable=SC2086 # words are meant
  while read -r step <&3; do run_step "$1" $step || { failed=1 && [ "$1" = undo ] || break; }; done 3<"$CHANGE/$1"
  return "$failed"
}
run_step() {
  local how="$1" op="$2"
  shift 2
  case $op in
    link) exists "$1" || make_link "$1" ;;
    unlink) ! exists "$1" || ip link del dev "$1" ;;
    # The interface may be gone, such as after a crash of wireguard-go: the live file has the former state.
    wg) exists "$1" || without_lock timeout 20 wg-quick up "/etc/wireguard/$1.conf" && retry_while_in_use "$how" wg addconf "$1" "$CHANGE/$2" ;;
    set) ! exists "$1" || with_timeout "$how" wg set "$@" ;;
    ip) ip_batch "$how" "$CHANGE/$1" '' ;;
    ip6) ip_batch "$how" "$CHANGE/$1" -6 ;;
    nft) in_a_line with_timeout "$how" nft -f "$CHANGE/$1" ;;
    sysctl) [ ! -e "/proc/sys/$1" ] || printf '%s\n' "$2" >"/proc/sys/$1" ;;
    shake) wait_for_handshake "$@" ;;
    # If set too early, a packet from the former endpoint would set it back.
    roam) wait_for_handshake "$@" 2>/dev/null || wg set "$1" peer "$3" endpoint "$4" ;;
    reach) wait_for_exit "$1" ;;
    watch) watch_piece "$1" ;;
    leave) case $(wg show "$1" latest-handshakes 2>/dev/null | grep -F "$2") in '' | *"${TAB}0") ;; *) pause 1; wg set "$1" peer "$3" remove ;; esac ;;
    ping) ping_all "$@" ;;
    *) return 1 ;;
  esac
}
# Only an undo needs a timeout: the guard ends a change that hangs.
with_timeout() { if [ "$1" = apply ]; then shift && "$@"; else shift && timeout 10 "$@"; fi; }
# Retries while the UDP port is in use: wireguard-go closes it some time after an interface is deleted or moved.
retry_while_in_use() {
  local tries=25 words
  until words=$(with_timeout "$@" 2>&1); do
    case $words in *'already in use'*) tries=$((tries - 1)) ;; *) tries=0 ;; esac
    [ "$tries" -gt 0 ] || { echo "$words" >&2 && return 1; }
    pause 0.2
  done
}
make_link() {
  ip link add dev "$1" type wireguard 2>/dev/null && return
  # In its own unit, because processes of the change's unit end with it.
  with_systemd && without_lock timeout -k 1 10 systemd-run --quiet --collect --property=Type=forking --unit="wireguard-go-$1" \
    --setenv=WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 "$(command -v wireguard-go)" "$1" </dev/null && return
  without_lock wireguard-go "$1" </dev/null >/dev/null 2>&1
}
# Keeps the first line of an error; nft prints the position in more lines.
in_a_line() { words=$("$@" 2>&1) || { echo "${words%%"$NL"*}" >&2 && return 1; }; }
# $2: file for ip -batch; $3: -6 or empty. An undo may follow a partial change, so it ignores errors such as "file exists".
# An error is printed with the failed line.
ip_batch() {
  local words
  if [ "$1" = apply ]; then
    words=$(ip ${3:+"$3"} -batch "$2" 2>&1) || { echo "$(sed -n "${words##*:}p" "$2"): ${words%%"$NL"*}" >&2 && return 1; }
  elif ! words=$(ip ${3:+"$3"} -force -batch "$2" 2>&1); then
    ! printf '%s\n' "$words" | grep -v -i -e 'no such ' -e 'file exists$' -e 'already assigned' -e 'address not found' -e 'cannot assign' \
      -e 'cannot find device' -e '^command failed' >&2
  fi
}

# Waits for a handshake of a peer. $1: interface, $2: seconds, $3: key, $4: endpoint, or `-` for any. A handshake from the
# former endpoint does not count.
wait_for_handshake() {
  local tries=$(($2 * 5))
  until wg show "$1" dump | awk -v key="$3" -v at="$4" '$1 == key && $5 != 0 && (at == "-" || at == $3) { found = 1 } END { exit !found }'; do
    [ "$((tries -= 1))" -gt 0 ] || { echo "no handshake with $3 at $4 within $2 s" >&2 && return 1; }
    pause 0.2
  done
}
# Waits until the exit answers, before all traffic is routed to it.
wait_for_exit() {
  local tries=5
  until ping -n -c 1 -W 1 "$1" >/dev/null 2>&1; do
    [ "$((tries -= 1))" -gt 0 ] || { echo "no answer from $1 through the exit" >&2 && return 1; }
    pause 0.5
  done
}

# A ping starts the handshake with a peer at once. The results are part of the observation.
ping_all() {
  has ping || return 0
  for address; do
    { if ping -n -c 1 -W 2 "$address" >/dev/null 2>&1 9>&-; then echo "ping $address answered"; else echo "ping $address lost"; fi; } >>"$RUN/result" &
    pings="${pings-} $!"
  done
}
# shellcheck disable=SC2086 # words are meant
await_pings() { [ -z "${pings-}" ] || wait $pings; }
