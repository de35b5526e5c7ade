# Receives a change and writes its files next to the live ones. The running interface is not touched.

# $1: file with a line `change SHA256 [keys]` and the change text (mesh/host/change.ts). `mark` instead of `change`: only the
# steps that are done while staging. `keys`: there are keys to fill in.
stage() {
  local verb sum keys
  [ ! -d "$CHANGE" ] || rm -rf "$CHANGE"
  words=$(mkdir -p "$CHANGE" "$STATE/generations" 2>&1) || cannot_write "$STATE" "$words"
  { read -r verb sum keys && [ "$(sha256sum)" = "$sum  -" ]; } <"$1" ||
    fail "the change was damaged on its way to the host; nothing was changed" "run up again"
  # A piece begins with a line `@ NAME`; its lines have a space before them.
  awk -v folder="$CHANGE/" 'NR == 1 { next } /^@ / { out = folder $2; printf "" >out; next } { print substr($0, 2) >out }' "$1" ||
    cannot_write "$CHANGE" "No space left on device"
  for_each_step now place_now
  [ "$verb" = change ] || return 0
  [ "$keys" != keys ] || fill_keys
  words=$({ printf 'token %s\n' "$TOKEN" >"$STATE/.commit.new"; } 2>&1) || cannot_write "$STATE" "$words"
  for_each_step commit stage_step
  add_digest
  for part in apply undo; do for_each_step "$part" check_table; done
  mkfifo "$CHANGE/done"
  to_disk
  printf '%s\n' "$TOKEN" >"$RUN/pending"
  printf '%s\n' "$TOKEN" >"$LOCK"
  : >"$RUN/result" && : >"$RUN/log"
}

# Calls $2 with each step of the piece $1.
for_each_step() {
  local step
  # shellcheck disable=SC2086 # words are meant
  [ ! -f "$CHANGE/$1" ] || while read -r step <&3; do "$2" $step; done 3<"$CHANGE/$1"
}
place_now() { write_staged "$CHANGE/$2" "$4" "$3" && words=$(mv_staged "$4" 2>&1) || cannot_write "$4" "$words"; }

# .commit.new holds all steps, so that an interrupted commit can be finished.
stage_step() {
  local path="${4-${2-}}"
  words=$({ printf '%s\n' "$*" >>"$STATE/.commit.new"; } 2>&1) || cannot_write "$STATE" "$words"
  [ "$1" != hosts ] || path=/etc/hosts
  case $1 in place | delete | hosts) [ ! -e "$path" ] || words=$(can_write "$path") || cannot_write "$path" "$words" ;; esac
  case $1 in place) write_staged "$CHANGE/$2" "$4" "$3" ;; keep) write_staged "$CHANGE/$2" "$STATE/request" 600 ;; esac
}
# Checks a table with nft before the change begins.
check_table() {
  [ "$1" != nft ] || words=$(in_a_line nft -c -f "$CHANGE/$2" 2>&1) ||
    fail "nft on this host does not take the packet filter: ${words#*rror: }; nothing was changed" "see there: nft --version; uname -r; lsmod | grep nf_tables. An older one may not know what the filter needs"
}
# Writes $1 next to the file $2, with the mode $3.
write_staged() {
  [ "$3" = 600 ] || umask 022
  [ -d "${2%/*}" ] || words=$(mkdir -p "${2%/*}" 2>&1) || cannot_write "${2%/*}" "$words"
  words=$({ cat "$1" >"$(staged "$2")"; } 2>&1) || cannot_write "$2" "$words"
  umask 077
  [ "$3" != 755 ] || chmod "$3" "$(staged "$2")"
}
staged() { printf '%s/.%s.wireguard-mesh' "${1%/*}" "${1##*/}"; }
mv_staged() { [ ! -f "$(staged "$1")" ] || mv "$(staged "$1")" "$1"; }
# Only the host knows the digest of the live file, which has the private key.
add_digest() {
  local sum
  [ -f "$(staged "$LIVE")" ] && [ -f "$(staged "$STATE/confirmed")" ] || return 0
  sum=$(sha256sum "$(staged "$LIVE")") && printf 'file %s\n' "${sum%% *}" >>"$(staged "$STATE/confirmed")"
}

# Without it, a file system may write a new name before the content (ext4, delayed allocation).
to_disk() { timeout 20 sync -f "${LIVE%/*}" "$STATE" 2>/dev/null || timeout 20 sync || true; }
