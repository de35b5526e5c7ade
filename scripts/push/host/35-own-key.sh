# Private keys that were made on this host and never leave it. A config names one by its public half, in a line
# `PrivateKey = (on this host) PUBLICKEY`, and the host fills it in. A key never is an argument of a program, only of printf,
# which is the shell's own.
# shellcheck shell=sh disable=SC2154,SC2034

# A new key for this host; the public half is all that is told. It is used from the push on that names it.
make_own_key() {
  lock
  [ "$(id -u)" = 0 ] || die "not root on this host" "log in as root, or as a user with passwordless sudo"
  refuse_foreign
  refuse_newer
  with_tools || install_tools
  make_places
  write_marks
  made=$(wg genkey)
  { useful_own_keys; tell "$made"; } | write_state own-keys
  on_disk "$STATE/own-keys"
  tell "public-key $(tell "$made" | wg pubkey)"
}

# Before a push stages anything: $config, and a second interface's, as they will stand on the disk.
fill_own_keys() {
  fill_in "$config" "$sha256"
  config=$filled sha256=$filled_sha256
  [ -n "${alternate:-}" ] || return 0
  fill_in "$alternate_config" "$alternate_sha256"
  alternate_config=$filled alternate_sha256=$filled_sha256
}

# $1: a config in base64; $2: its digest. Leaves the two in $filled and $filled_sha256.
fill_in() {
  filled=$1 filled_sha256=$2
  wanted=$(printf '%s' "$1" | base64 -d 2>/dev/null | sed -n 's/^PrivateKey = (on this host) //p')
  [ -n "$wanted" ] || return 0
  [ "$(printf '%s' "$1" | base64 -d 2>/dev/null | sha256sum | cut -d ' ' -f 1)" = "$2" ] || damaged
  own=$(own_key "$wanted")
  [ -n "$own" ] || die "this host does not have the private key that belongs to $wanted: it was never made here, or is lost" \
    "make one there: npx wireguard-mesh rotate $node --revoke"
  filled=$(printf '%s' "$1" | base64 -d | while IFS= read -r line; do
    case $line in 'PrivateKey = (on this host) '*) tell "PrivateKey = $own" ;; *) tell "$line" ;; esac
  done | base64 | tr -d '\n')
  filled_sha256=$(printf '%s' "$filled" | base64 -d | sha256sum | cut -d ' ' -f 1)
}

# The private key whose public half is $1, or nothing.
own_key() {
  own_keys | while IFS= read -r candidate; do
    if [ "$(tell "$candidate" | wg pubkey 2>/dev/null)" = "$1" ]; then
      tell "$candidate"
      break
    fi
  done
}

# A key that was served until now counts too: a relay between two keys goes on with the former one.
own_keys() {
  read_state own-keys
  served_keys
}

served_keys() {
  for file in "$LIVE" "/etc/wireguard/$(second_name).conf"; do
    [ ! -f "$file" ] || sed -n 's/^ *PrivateKey *= *//p' "$file"
  done
}

second_name() { read_state rotation | sed -n 's/^alternate //p'; }

# Those that are served; the former ones are forgotten.
useful_own_keys() {
  served=$(served_keys)
  read_state own-keys | while IFS= read -r candidate; do
    if among "$candidate" "$served"; then tell "$candidate"; fi
  done
}

# As `listed`, but by the shell alone.
among() { case "$LINE_BREAK$2$LINE_BREAK" in *"$LINE_BREAK$1$LINE_BREAK"*) ;; *) return 1 ;; esac; }
LINE_BREAK='
'

# After a change is confirmed: keys that no interface serves go, but for the newest, which may be for the next push.
forget_own_keys() {
  [ -f "$STATE/own-keys" ] || return 0
  newest=$(tail -n 1 "$STATE/own-keys")
  kept=$(useful_own_keys)
  { [ -z "$kept" ] || tell "$kept"
    among "$newest" "$kept" || tell "$newest"; } | write_state own-keys
}
