# Whether a host still is what was confirmed: what a hand has changed since is seen here, by the next push and by status.
# shellcheck shell=sh disable=SC2154

healthy() { confirmed_file && runs "$LIVE" && keys_fit && endpoints_fit && forwarding_fits && drop_in_fits "$forwarding4" "$forwarding6"; }

# Nobody has edited or deleted the file.
confirmed_file() { [ -f "$LIVE" ] && [ "$(digest_of "$LIVE")" = "$(read_state file)" ]; }

# The interface is just what the file $1 says.
runs() {
  link_exists || return 1
  [ "$(setting Address "$1" | tr ',' '\n' | tr -d ' ' | sort)" = \
    "$(ip -o address show dev "$IFACE" scope global up | awk '{ print $4 }' | sort)" ] || return 1
  [ "$(mtu_for "$1")" = "$(cat "/sys/class/net/$IFACE/mtu")" ] || return 1
  port=$(setting ListenPort "$1")
  [ -z "$port" ] || [ "$port" = "$(wg show "$IFACE" listen-port)" ] || return 1
  runs_keys "$1" && routes_fit
}

# Its keys and peers. Prefixes that have moved between the two keys of a pair are where they should be.
runs_keys() {
  strip "$1"
  own_key_fits "$1" && [ "$(tell "$stripped" | essence)" = "$(wg showconf "$IFACE" | place_as_filed | essence)" ]
}

own_key_fits() { [ "$(public_key_in <"$1")" = "$(wg show "$IFACE" public-key)" ]; }

# Public, because the kernel clamps a private key (RFC 7748) and shows another one than it was given.
public_key_in() { awk '/^ *PrivateKey *=/ { sub(/^[^=]*= */, ""); print; exit }' | wg pubkey; }

# The facts about peers in one order: keys, keepalives and allowed prefixes, without endpoints, which may roam.
essence() {
  awk '
    function flush() { if (section != "") print section; section = "" }
    { line = $0; gsub(/[ \t\r]/, "", line) }
    line ~ /^\[/ { flush(); section = line; next }
    line ~ /^(PublicKey|PresharedKey|PersistentKeepalive)=/ { section = section " " line }
    line ~ /^AllowedIPs=/ {
      sub(/^AllowedIPs=/, "", line); count = split(line, prefix, ",")
      for (i = 1; i <= count; i++) { at = i
        while (at > 1 && prefix[at - 1] > prefix[at]) { swap = prefix[at]; prefix[at] = prefix[at - 1]; prefix[at - 1] = swap; at-- } }
      for (i = 1; i <= count; i++) section = section " " prefix[i] }
    END { flush() }' | sed 's/ PersistentKeepalive=0//' | sort_words | sort
}

# A section is a line; its words come in no fixed order.
sort_words() { while read -r section; do printf '%s\n' "$section" | tr ' ' '\n' | sort | tr '\n' ' '; echo; done; }

endpoints_fit() { [ -z "$(stale_endpoints "$LIVE")" ]; }

# Lines `PUBLICKEY IS SHOULD-BE`: peers that are dialled, were not heard of for 180 s (REJECT_AFTER_TIME), and whose endpoint
# is not the file's. WireGuard resolves a name once; when its address has changed, it dials the former one for ever.
stale_endpoints() {
  endpoints_in "$1" | while read -r key planned; do
    line=$(wg show "$IFACE" dump | awk -F '\t' -v key="$key" -v now="$(date +%s)" 'NR > 1 && $1 == key && $5 < now - 180 { print $3 }')
    [ -z "$line" ] || [ "$line" = "$planned" ] || now_means "$planned" "$line" || tell "$key $line $planned"
  done
}

# Whether the name or address $1 (HOST:PORT) now leads to $2. What cannot be resolved is not called stale.
now_means() {
  [ "${1##*:}" = "${2##*:}" ] || return 1
  has getent || return 0
  outer=${1%:*} current=${2%:*}
  outer=${outer#[} outer=${outer%]} current=${current#[} current=${current%]}
  found=$(bounded 2 getent ahosts "$outer" | awk '{ print $1 }')
  [ -z "$found" ] || listed "$current" "$found"
}
