# Private keys that were made on this host and never leave it. Keys are arguments of printf only, which is a shell builtin.

# Makes a key pair and prints the public key. It is used when a push names it. The answer is `key OWNER NODE MACHINE` if the
# interface belongs to this node or to none.
make_own_key() {
  lock 25 || fail "another change of $IFACE has been running for 25 s" "wait for it, then try again"
  observe_and_read_answer
  case $answer in
    install) timeout 280 sh -c "$argument" </dev/null >"$RUN/install.log" 2>&1 ;;
    key)
      made=$(wg genkey)
      # shellcheck disable=SC2086 # words are meant
      words=$({ mkdir -p "$STATE" && { [ -f "$STATE/owner" ] || printf '%s\n' $argument >"$STATE/owner"; } && printf '%s\n' "$made" >>"$STATE/own-keys"; } 2>&1) ||
        cannot_write "$STATE" "$words"
      forget_own_keys
      to_disk
      echo "public-key $(printf '%s\n' "$made" | wg pubkey)"
      ;;
  esac
}

# Lines `PUBLIC PRIVATE`, including the keys in use: during a rotation a relay still uses the former one.
own_keys() {
  local key
  { cat "$STATE/own-keys"; served_keys; } 2>/dev/null | while read -r key; do
    printf '%s %s\n' "$(printf '%s\n' "$key" | wg pubkey)" "$key"
  done
}
served_keys() { sed -n 's/^ *PrivateKey *= *//p' "$LIVE" "$SECOND_LIVE" 2>/dev/null; }
# Deletes keys that no interface uses, except the newest, which may be for the next push.
forget_own_keys() {
  local kept
  [ -f "$STATE/own-keys" ] || return 0
  kept=$NL$(served_keys)$NL$(tail -n 1 "$STATE/own-keys")$NL
  while read -r key; do case $kept in *"$NL$key$NL"*) printf '%s\n' "$key" ;; esac; done <"$STATE/own-keys" >"$STATE/.own-keys.new"
  mv "$STATE/.own-keys.new" "$STATE/own-keys"
}

# Replaces the placeholders for keys that only the host has: `(now) IFACE` and `(now) IFACE PUBLIC` are keys of the running
# interface, for the undo; `(on this host) PUBLIC` is a private key that was made here.
fill_keys() {
  { wg show all private-key && wg show all preshared-keys; own_keys; } >"$CHANGE/keys" 2>/dev/null
  # shellcheck disable=SC2013 # paths without blanks
  for file in $(grep -l -F -e '= (on this host) ' -e '= (now) ' "$CHANGE"/[0-9]*); do
    awk 'FILENAME == ARGV[1] { key[NF == 2 ? $1 : $1 " " $2] = $NF == "(none)" ? "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" : $NF; next }
      $2 == "=" && ($3 == "(now)" || $3 == "(on") { name = $3 == "(on" ? $6 : NF == 4 ? $4 : $4 " " $5
        if (!(name in key)) exit 1
        $0 = $1 " = " key[name] }
      { print }' "$CHANGE/keys" "$file" >"$file.filled" && mv "$file.filled" "$file" ||
      fail "a private key that was made on this host is lost" "make a new one: npx wireguard-mesh rotate NODE --revoke"
  done
  rm -f "$CHANGE/keys"
}
