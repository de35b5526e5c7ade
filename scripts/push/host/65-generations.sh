# The last confirmed states, for a rollback. Each is a file STATE/generations/SERIAL with lines `PATH:LINE` of all files that
# are used at boot, and of the push request (mesh/host/stored-request.ts), which is staged as STATE/request until the commit.
GENERATIONS=5

kept_files() { echo "$FILTERS $LIVE $DROP_IN $NAMES $DNS_CONFIG /etc/systemd/system/$NAMES_UNIT /etc/systemd/system/$DNS_UNIT $STATE/tasks $STATE/confirmed"; }
# Writes them to the file $1. Missing files are left out, so that a failure means a full disk.
copy_files() {
  local path found=
  for path in $(kept_files) "$(staged "$STATE/request")"; do [ ! -f "$path" ] || found="$found $path"; done
  # shellcheck disable=SC2086 # paths without blanks
  grep -H '' $found >"$1"
}
# Sets `value` to the text after the word $1 in the file $2. Starts no process, because it runs for each state.
value_of() { while read -r word value; do [ "$word" != "$1" ] || { value=${value#= } && return; }; done 2>/dev/null <"$2"; value=; }

# Part of a commit. Deletes states that are too old, that have another private key, and earlier pushes of the same state.
keep_generation() {
  local one count=0 folder="$STATE/generations" copy="$STATE/.generation.new" now key digest
  value_of serial "$STATE/confirmed" && now=$value && [ -n "$now" ] && copy_files "$copy" && mv "$copy" "$folder/$now" || { rm -f "$copy"; return 1; }
  value_of PrivateKey "$LIVE" && key=$value && value_of digest "$STATE/confirmed" && digest=$value && set -- "$folder"/*
  [ $# = 1 ] || (cd "$folder" && ls -t) | while read -r one; do
    [ "$one" = "$now" ] || { value_of "$LIVE:PrivateKey" "$folder/$one" && [ "$value" = "$key" ] &&
      value_of "$STATE/confirmed:digest" "$folder/$one" && [ "$value" != "$digest" ] && [ "$((count += 1))" -lt "$GENERATIONS" ]; } || rm -f "$folder/$one"
  done
}

# Run by hand on the host. $1: the serial; empty: the previous state. It restarts the interface, and is not undone by itself.
roll_back() {
  local to="$1" now && value_of serial "$STATE/confirmed" && now=$value
  [ ! -f "$STATE/rotation" ] || fail "keys or addresses are moving on $IFACE" "end that first: npx wireguard-mesh up, or rotate"
  [ -n "$to" ] || to=$(printf '%s\n' "$STATE"/generations/* | awk -F / -v now="$now" '$NF < now + 0 && $NF > to + 0 { to = $NF } END { print to }')
  [ -n "$to" ] && [ -f "$STATE/generations/$to" ] || fail "no state ${to:-before ${now:-this one}} of $IFACE is kept" "see: ls -lt $STATE/generations"
  mkdir -p "$RUN" && copy_files "$RUN/before" || fail "the present files cannot be copied" "make room there: df -h $RUN"
  trap '' HUP PIPE # A connection through the tunnel ends with it.
  take_files "$STATE/generations/$to" || { take_files "$RUN/before"; to=; }
  rm -f "$RUN/before" "$RUN/piece"
  [ -n "$to" ] || fail "$IFACE did not come up that way, so it is as before" "try another one: ls -lt $STATE/generations"
  touch "$STATE/generations/$to"
  echo "$IFACE is as push $to had left it; peers that were removed since are back. To undo this: npx wireguard-mesh repush $(sed -n 2p "$STATE/owner")"
}
# Stages the files in $1, and prints the steps of a commit. Call it in a subshell.
stage_files() {
  for path in $(kept_files); do
    case $path in /etc/wireguard/* | "$STATE"/*) mode=600 ;; *) mode=644 ;; esac
    unit=${path#/etc/systemd/system/}
    if grep -q "^$path:" "$1"; then
      sed -n "s,^$path:,,p" "$1" >"$RUN/piece" && write_staged "$RUN/piece" "$path" "$mode" && echo "place - $mode $path" && { [ "$unit" = "$path" ] || echo "enable $unit"; }
    else { [ "$unit" = "$path" ] || echo "disable $unit"; } && echo "delete $path"; fi || return
  done
}
# Makes the files in $1 live, and restarts the interface. If the disk is full, nothing is changed.
take_files() {
  (stage_files "$1" >"$STATE/.commit.new") || { for path in $(kept_files); do rm -f "$(staged "$path")"; done; return 1; }
  { echo hosts && if grep -q "^$DNS_CONFIG:" "$1"; then echo 'dns restart'; else echo 'dns stop'; fi && echo tasks; } >>"$STATE/.commit.new"
  without_lock timeout 60 wg-quick down "$IFACE" >/dev/null 2>&1 || ip link del dev "$IFACE" 2>/dev/null
  mv "$STATE/.commit.new" "$STATE/commit" && place_live && finish_commit >/dev/null
  [ ! -f "$DROP_IN" ] || sysctl -q -p "$DROP_IN" >/dev/null 2>&1
  without_lock timeout 60 wg-quick up "$IFACE" >/dev/null 2>&1
}
