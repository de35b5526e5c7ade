# The steps of a change and of its undo, one command each. mesh/host/change.ts says what they mean.

# $1: `apply`, which stops at the first step that fails, with its words in RUN/log; or `undo`, which does every step.
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
    # An interface may have ended during the change, as a wireguard-go that crashed: the live file has the former state.
    wg) exists "$1" || without_lock timeout 20 wg-quick up "/etc/wireguard/$1.conf" && when_free "$how" wg addconf "$1" "$CHANGE/$2" ;;
    set) ! exists "$1" || bounded "$how" wg set "$@" ;;
    ip) ip_batch "$how" "$CHANGE/$1" '' ;;
    ip6) ip_batch "$how" "$CHANGE/$1" -6 ;;
    nft) in_a_line bounded "$how" nft -f "$CHANGE/$1" ;;
    sysctl) [ ! -e "/proc/sys/$1" ] || printf '%s\n' "$2" >"/proc/sys/$1" ;;
    shake) shake "$@" ;;
    # Set too early, it would be led back by the peer, which is still at the former place.
    roam) shake "$@" any 2>/dev/null || wg set "$1" peer "$3" endpoint "$4" ;;
    reach) reach "$1" ;;
    watch) watch_piece "$1" ;;
    leave) case $(wg show "$1" latest-handshakes 2>/dev/null | grep -F "$2") in '' | *"${TAB}0") ;; *) pause 1; wg set "$1" peer "$3" remove ;; esac ;;
    ping) ping_all "$@" ;;
    *) return 1 ;;
  esac
}
# A change that hangs is ended by its guard; its undo must not hang.
bounded() { if [ "$1" = apply ]; then shift && "$@"; else shift && timeout 10 "$@"; fi; }
# An interface that has just ended, or moved, may hold its UDP port for a moment: wireguard-go closes it on its own time.
when_free() {
  local tries=25 words
  until words=$(bounded "$@" 2>&1); do
    case $words in *'already in use'*) tries=$((tries - 1)) ;; *) tries=0 ;; esac
    [ "$tries" -gt 0 ] || { echo "$words" >&2 && return 1; }
    pause 0.2
  done
}
make_link() {
  ip link add dev "$1" type wireguard 2>/dev/null && return
  # A unit of its own: what belongs to the unit of the change ends with it.
  with_systemd && without_lock timeout -k 1 10 systemd-run --quiet --collect --property=Type=forking --unit="wireguard-go-$1" \
    --setenv=WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 "$(command -v wireguard-go)" "$1" </dev/null && return
  without_lock wireguard-go "$1" </dev/null >/dev/null 2>&1
}
# nft shows the place of an error in the lines after it.
in_a_line() { words=$("$@" 2>&1) || { echo "${words%%"$NL"*}" >&2 && return 1; }; }
# $2: file for ip -batch; $3: -6 or empty. An undo may run after any part of a change, so there errors that mean "already so"
# are no failure. A step that fails names its line.
ip_batch() {
  local words
  if [ "$1" = apply ]; then
    words=$(ip ${3:+"$3"} -batch "$2" 2>&1) || { echo "$(sed -n "${words##*:}p" "$2"): ${words%%"$NL"*}" >&2 && return 1; }
  elif ! words=$(ip ${3:+"$3"} -force -batch "$2" 2>&1); then
    ! printf '%s\n' "$words" | grep -v -i -e 'no such ' -e 'file exists$' -e 'already assigned' -e 'address not found' -e 'cannot assign' \
      -e 'cannot find device' -e '^command failed' >&2
  fi
}

# Waits until a peer has shaken hands since the change began. $1: interface, $2: seconds, $3: key, $4: endpoint or `-`: a peer
# that is dialled elsewhere now may still be heard from its former endpoint, which proves nothing; $5: an older handshake will do.
shake() {
  local tries=$(($2 * 5)) former=''
  [ -n "${5-}" ] || former=$(awk -v key="$3" '$1 == key { print $2 }' "$CHANGE/handshakes")
  until wg show "$1" dump | awk -v key="$3" -v former="$former" -v at="$4" '
    $1 == key && $5 != 0 && $5 != former && (at == "-" || at == $3) { found = 1 } END { exit !found }'; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "no handshake with $3 at $4 within $2 s" >&2 && return 1; }
    pause 0.2
  done
}
# Whether everything may go to the exit.
reach() {
  local tries=5
  until ping -n -c 1 -W 1 "$1" >/dev/null 2>&1; do
    [ "$((tries -= 1))" -gt 0 ] || { echo "no answer from $1 through the exit" >&2 && return 1; }
    pause 0.5
  done
}
# Handshakes before the change.
note_handshakes() { [ "$1" != shake ] || [ -f "$CHANGE/handshakes" ] || wg show "$2" latest-handshakes >"$CHANGE/handshakes"; }

# One ping each starts a handshake now instead of when somebody next sends. The results are part of the observation.
ping_all() {
  has ping || return 0
  for address; do
    { if ping -n -c 1 -W 2 "$address" >/dev/null 2>&1 9>&-; then echo "ping $address answered"; else echo "ping $address lost"; fi; } >>"$RUN/result" &
    pings="${pings-} $!"
  done
}
# shellcheck disable=SC2086 # words are meant
await_pings() { [ -z "${pings-}" ] || wait $pings; }
