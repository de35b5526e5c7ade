# The routes of the interface, as wg-quick makes them: one for each allowed prefix that nothing else of ours covers.
# shellcheck shell=sh disable=SC2154

# awk's arithmetic of prefixes, for programs that go on with it.
PREFIXES='
  function hex(address,  at, left, right, text) {
    if (address ~ /\./) { split(address, left, "."); return sprintf("%02x%02x%02x%02x", left[1], left[2], left[3], left[4]) }
    at = index(address, "::")
    if (!at) return groups(address)
    text = groups(substr(address, at + 2))
    address = groups(substr(address, 1, at - 1))
    while (length(address) + length(text) < 32) address = address "0"
    return address text
  }
  function groups(text,  part, i, n, all) {
    n = split(text, part, ":")
    for (i = 1; i <= n; i++) all = all substr("0000" part[i], length(part[i]) + 1)
    return all
  }
  function nibble(text, at) { return index("0123456789abcdef", substr(text, at, 1)) - 1 }
  # Whether prefix a covers prefix b.
  function covers(a, b,  whole, rest) {
    if (length(digits[a]) != length(digits[b]) || size[a] > size[b]) return 0
    whole = int(size[a] / 4); rest = 2 ^ (4 - size[a] % 4)
    if (substr(digits[a], 1, whole) != substr(digits[b], 1, whole)) return 0
    return size[a] % 4 == 0 || int(nibble(digits[a], whole + 1) / rest) == int(nibble(digits[b], whole + 1) / rest)
  }
  # ip-route(8) leaves the length of a single address out.
  function note(prefix) {
    if (prefix !~ /\//) prefix = prefix (prefix ~ /:/ ? "/128" : "/32")
    if (!(prefix in size)) { size[prefix] = prefix; sub(/.*\//, "", size[prefix]); size[prefix] += 0
      digits[prefix] = prefix; sub(/\/.*/, "", digits[prefix]); digits[prefix] = hex(digits[prefix]) }
    return prefix
  }
'

# New ones first, and once more after the others have gone: what a wider route covered is not without for long.
converge_routes() { change_routes add && change_routes del && change_routes add; }

change_routes() {
  route_changes | awk -v verb="$1" '$1 == verb' | while read -r what family prefix; do
    ip "$family" route "$what" "$prefix" dev "$IFACE" || exit 1
  done
}

routes_fit() { [ -z "$(route_changes)" ]; }

# Everything through the tunnel is wg-quick's own work: a mark, a table and two rules (wg-quick(8), Table). Who comes to it
# or leaves it is restarted.
default_routed_anew() {
  wants=no has=no
  ! awk '$1 == "AllowedIPs"' "$1" | grep -q '/0 *\(,\|$\)' || wants=yes
  [ "$(wg show "$IFACE" fwmark)" = off ] || has=yes
  [ "$wants" != "$has" ]
}

# Lines `add FAMILY PREFIX` and `del FAMILY PREFIX`. Only what `ip route add` made is taken away, which is what wg-quick does
# and a hand: routes of a daemon or a DHCP client (proto bird, dhcp …) stay.
route_changes() {
  { wg show "$IFACE" allowed-ips | cut -f 2- | tr '[:space:]' '\n' | grep / | grep -v '/0$' | sed 's/^/allowed /'
    for family in -4 -6; do ip "$family" route show dev "$IFACE" 2>/dev/null | sed 's/^/route /' || true; done
    for family in -4 -6; do
      ip "$family" route show dev "$IFACE" proto boot 2>/dev/null | sed 's/^/ours /' || true
    done; } | awk "$PREFIXES"'
    function family(prefix) { return prefix ~ /:/ ? "-6" : "-4" }
    $2 !~ /^[0-9a-f.:]+(\/[0-9]+)?$/ { next }
    $1 == "allowed" { allowed[note($2)] = 1 }
    $1 == "route" { there[note($2)] = / proto kernel/ ? "kernel" : "other" }
    $1 == "ours" { ours[note($2)] = 1 }
    END {
      for (prefix in ours)
        if (!(prefix in allowed) && prefix !~ /^(fe80|ff00):/) print "del", family(prefix), prefix
      for (prefix in allowed) {
        found = prefix in there
        for (route in there) if (!found && (route in allowed || there[route] == "kernel")) found = covers(route, prefix)
        if (!found) print "add", family(prefix), prefix
      }
    }'
}

# The LAN that this host is in itself: a route to it through the tunnel would take its neighbours away, and its gateway with
# them. `ip route add` refuses that only where the LAN's own route has no metric.
refuse_own_lan() {
  # shellcheck disable=SC2046 # two words are meant
  set -- $(shadowed)
  [ $# = 0 ] || die "$1 would lead into the tunnel, and this host is in that network itself, by $2: nothing was changed" \
    "where it is the same network, give $node the same site as the node whose subnets these are; else change the prefix of one of the two (subnets, network.cidr)"
}

# `PREFIX DEVICE` of the first prefix that the config leads into the tunnel and that holds an address of another interface,
# or its gateway, though it is no wider than the network of that interface.
shadowed() {
  { printf '%s' "$config" | base64 -d | sed -n 's/^ *AllowedIPs *= *//p' | tr ',' '\n' | tr -d ' ' | grep -v '/0$' | sed 's/^/wanted /'
    ip -o address show scope global | awk -v own="$IFACE" -v second="$alternate" '$2 != own && $2 != second { print "link", $4, $2 }'
    for family in -4 -6; do ip "$family" route show default 2>/dev/null || true; done |
      sed -n 's/.*via \([^ ]*\) dev \([^ ]*\).*/gateway \1 \2/p'; } | awk "$PREFIXES"'
    $2 !~ /^[0-9a-f.:]+(\/[0-9]+)?$/ { next }
    $1 == "wanted" { wanted[++count] = note($2) }
    $1 == "link" { host = $2; sub(/\/.*/, "", host); links[++met] = note($2); here[met] = note(host); device[met] = $3 }
    $1 == "gateway" { there[note($2)] = $3 }
    END {
      for (i = 1; i <= count; i++) for (j = 1; j <= met; j++) {
        if (size[wanted[i]] < size[links[j]]) continue
        hit = covers(wanted[i], here[j])
        for (gateway in there) if (there[gateway] == device[j] && covers(links[j], gateway) && covers(wanted[i], gateway)) hit = 1
        if (hit) { print wanted[i], device[j]; exit }
      }
    }'
}
