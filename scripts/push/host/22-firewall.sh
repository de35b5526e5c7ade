# A firewall of the host's own that is in the way: said, with the line that mends it. Its rules are read and never changed.
# shellcheck shell=sh disable=SC2154

# $1: the live wg-quick file; $2: 1 where IPv4 is passed on. One line for each thing that is in the way.
firewall_findings() {
  rules=$(firewall_rules)
  [ -n "$rules" ] || return 0
  listens=$(setting ListenPort "$1")
  outer=$(ip -4 route show default 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
  if [ -n "$listens" ]; then
    printf '%s\n' "$rules" | blocking_chain input "$listens" "$outer" | while read -r table chain; do
      tell "a firewall on this host (chain $chain of $table) lets no UDP in at port $listens, where others dial it: $(open_port "$table" "$chain" "$listens")"
    done
  fi
  if [ "$2" = 1 ]; then
    printf '%s\n' "$rules" | blocking_chain forward 0 "$IFACE" | while read -r table chain; do
      tell "a firewall on this host (chain $chain of $table) lets nothing through from $IFACE to $IFACE: $(open_forward "$table" "$chain")"
    done
  fi
}

note_firewall() {
  [ ! -f "$LIVE" ] || firewall_findings "$LIVE" "$(read_state forwarding | cut -d ' ' -f 1)" | sed 's/^/note /'
}

open_port() {
  case $(firewall_kind "$1") in
    ufw) tell "sudo ufw allow $3/udp" ;;
    firewalld) tell "sudo firewall-cmd --permanent --add-port=$3/udp && sudo firewall-cmd --reload" ;;
    iptables) tell "sudo iptables -I $2 -p udp --dport $3 -j ACCEPT (and keep it: iptables-save)" ;;
    nft) tell "sudo nft insert rule $(tell "$1" | tr / ' ') $2 udp dport $3 accept (and keep it, in /etc/nftables.conf)" ;;
  esac
}

open_forward() {
  case $(firewall_kind "$1") in
    ufw) tell "sudo ufw route allow in on $IFACE out on $IFACE" ;;
    firewalld) tell "sudo firewall-cmd --permanent --zone=trusted --add-interface=$IFACE && sudo firewall-cmd --reload" ;;
    iptables)
      # Docker's own chains come and go with it; this one it leaves to the host's owner.
      if printf '%s\n' "$rules" | grep -q ' DOCKER-USER '; then
        tell "sudo iptables -I DOCKER-USER -i $IFACE -j ACCEPT && sudo iptables -I DOCKER-USER -o $IFACE -j ACCEPT (and keep them)"
      else
        tell "sudo iptables -I $2 -i $IFACE -o $IFACE -j ACCEPT (and keep it: iptables-save)"
      fi ;;
    nft) tell "sudo nft insert rule $(tell "$1" | tr / ' ') $2 iifname $IFACE oifname $IFACE accept (and keep it, in /etc/nftables.conf)" ;;
  esac
}

# Who made the table: what its own tool has made must be changed by that tool.
firewall_kind() {
  case $1 in
    inet/firewalld | ip/firewalld) tell firewalld ;;
    ip/filter | iptables/filter) if printf '%s\n' "$rules" | grep -q ' ufw-before-input '; then tell ufw; else tell iptables; fi ;;
    *) tell nft ;;
  esac
}

# All rules that an IPv4 packet meets, as lines `base TABLE CHAIN HOOK POLICY` and `rule TABLE CHAIN TEXT`.
firewall_rules() {
  if has nft; then bounded 5 nft list ruleset 2>/dev/null | nft_rules; fi
  # The rules of the older iptables are not among nft's; those of the newer one are, and say the same twice.
  if has iptables-save; then bounded 5 iptables-save -t filter 2>/dev/null | iptables_rules; fi
}

nft_rules() {
  awk '
    $1 == "table" { table = ($2 == "ip" || $2 == "inet") ? $2 "/" $3 : ""; next }
    $1 == "chain" { chain = $2; next }
    $1 == "}" { chain = ""; next }
    table == "" || chain == "" { next }
    $1 == "type" { if ($2 == "filter") print "base", table, chain, $4, /policy drop/ ? "drop" : "accept"; next }
    { sub(/^[ \t]+/, ""); print "rule", table, chain, $0 }'
}

# Into the words of nft(8).
iptables_rules() {
  awk '
    function port(text) { gsub(/:/, "-", text); return text }
    /^:/ {
      policy = $2; chain = substr($1, 2)
      if (policy != "-") print "base iptables/filter", chain, tolower(chain), tolower(policy)
      next }
    $1 != "-A" { next }
    { gsub(/--comment ("[^"]*"|[^ ]+)/, ""); gsub(/--log-prefix ("[^"]*"|[^ ]+)/, ""); $0 = $0
      text = ""; proto = "udp"; not = ""
      for (i = 3; i <= NF; i++) {
        word = $i; value = $(i + 1)
        if (word == "!") { not = "!= "; continue }
        else if (word == "-m") { i++; continue }
        else if (word == "-i" || word == "-o") { sub(/\+$/, "*", value); text = text " " (word == "-i" ? "iifname " : "oifname ") not "\"" value "\""; i++ }
        else if (word == "-p") { proto = value; text = text " meta l4proto " not value; i++ }
        else if (word == "-s") { text = text " ip saddr " not value; i++ }
        else if (word == "--ctstate" || word == "--state") { text = text " ct state " not tolower(value); i++ }
        else if (word == "--dport") { text = text " " proto " dport " not port(value); i++ }
        else if (word == "--dports") { text = text " " proto " dport { " port(value) " }"; i++ }
        else if (word == "-j" || word == "-g") { text = text " " target(word, value); break }
        else { text = text " unknown" }
        not = "" }
      print "rule iptables/filter", $2, text }
    function target(word, name) {
      if (name == "ACCEPT" || name == "DROP" || name == "REJECT" || name == "RETURN") return tolower(name)
      return (name == "LOG" || name == "NFLOG") ? "log" : (word == "-g" ? "goto " : "jump ") name }'
}

# $1: input or forward; $2: UDP port; $3: the interface by which a packet comes, empty where it is not known. Prints the chains, as `TABLE CHAIN`, from which
# no new packet can come out alive: of an input to that port, or from the interface to itself. What is not understood counts as
# what may let it through: better no word than a false alarm.
blocking_chain() {
  awk -v hook="$1" -v port="$2" -v comes="$3" -v iface="$IFACE" "$FIREWALL_AWK"
}

# In walk(): `here` says whether a packet can be at this rule, `out` whether it can come out of the chain undecided.
# shellcheck disable=SC2016 # awk expands it
FIREWALL_AWK='
  $1 == "base" && $4 == hook { bases[++count] = $2 " " $3; policy[count] = $5 }
  $1 == "rule" { place = $2 " " $3; sub(/^rule [^ ]+ [^ ]+ */, ""); rule[place, ++rules[place]] = $0 }
  END {
    for (base = 1; base <= count; base++) { alive = 0
      if (walk(bases[base]) && policy[base] == "accept") alive = 1
      if (!alive) print bases[base] } }

  function walk(place,    at, here, out, after, action) {
    if (depth > 20) return 1
    depth++; here = 1
    for (at = 1; at <= rules[place] && here; at++) {
      match_rule(rule[place, at]); action = acts; after = sure
      if (action == "" || after == 0) continue
      if (action == "accept") { alive = 1; here = after == 1 ? 0 : 1 }
      else if (action == "drop") { if (after == 1) here = 0 }
      else if (action == "return") { out = 1; if (after == 1) here = 0 }
      else if (walk_on(place, action)) { if (action ~ /^goto/) { out = 1; if (after == 1) here = 0 } }
      else if (after == 1) here = 0 }
    depth--
    return out || here }

  # Whether a packet can come back from a chain of the same table.
  function walk_on(place, action,    table, name) {
    table = place; sub(/ .*/, "", table)
    name = action; sub(/^[a-z]+ /, "", name)
    return walk(table " " name) }

  # Sets acts (accept, drop, return, "jump X", "goto X" or nothing) and sure: 1 it matches, 0 it does not, 2 it may.
  function match_rule(text,    words, n, at, word, value, is) {
    gsub(/counter packets [0-9]+ bytes [0-9]+/, "", text); gsub(/counter/, "", text)
    gsub(/comment "[^"]*"/, "", text); gsub(/log( prefix "[^"]*")?( level [a-z]+)?( flags [a-z]+)?/, "", text)
    # A set becomes one word.
    while (match(text, /\{[^{}]*\}/)) {
      value = substr(text, RSTART + 1, RLENGTH - 2); gsub(/[ \t]/, "", value)
      text = substr(text, 1, RSTART - 1) "=" value substr(text, RSTART + RLENGTH) }
    gsub(/!= */, "!", text)
    acts = ""; sure = 1; n = split(text, words, " ")
    for (at = 1; at <= n && sure != 0; at++) { word = words[at]; value = words[at + 1]; is = 2
      if (word == "accept" || word == "return") { acts = word; return }
      if (word == "drop" || word == "reject") { acts = "drop"; return }
      if (word == "jump" || word == "goto") { acts = word " " value; return }
      if (word == "iifname" || word == "iif") { at++; is = comes == "" ? 2 : listed(value, comes) }
      else if (word == "oifname" || word == "oif") { at++; is = hook == "input" ? 2 : listed(value, iface) }
      else if (word == "ct" && value == "state") { at += 2; is = words[at] ~ /^vmap/ ? 0 : listed(words[at], "new") }
      else if (word == "ct" && value == "status") { at += 2; is = words[at] ~ /dnat/ ? 0 : 2 }
      else if (word == "meta" && value == "nfproto") { at += 2; is = listed(words[at], "ipv4") }
      else if ((word == "meta" && value == "l4proto") || (word == "ip" && value == "protocol")) {
        at += 2; is = listed(words[at], "udp") || listed(words[at], "17")
        # That pings are passed on is not enough.
        if (hook != "input" && (is || listed(words[at], "tcp") || listed(words[at], "6"))) is = 2 }
      else if (word == "udp" && value == "dport") { at += 2; is = hook == "input" ? listed(words[at], port) : 2 }
      else if (word == "tcp") { at += 2; is = hook == "input" ? 0 : 2 }
      else if (word ~ /^(icmp|sctp|dccp|igmp|esp|ip6|icmpv6)$/) { at += 2; is = 0 }
      # Others dial from anywhere.
      else if (word == "ip" && value == "saddr") { at += 2; is = hook != "input" ? 2 : (words[at] ~ /^!/) }
      if (is == 0) sure = 0
      else if (is == 2) sure = 2 } }

  # Whether a word stands in a list `a,b,c-d`; ! turns it round; @ names a set that is not looked at.
  function listed(list, word,    items, n, at, item, ends, found, not) {
    if (list ~ /@/) return 2
    not = sub(/^!/, "", list); gsub(/[="]/, "", list); n = split(list, items, ","); found = 0
    for (at = 1; at <= n; at++) { item = items[at]
      if (item == word) found = 1
      else if (item ~ /\*$/ && index(word, substr(item, 1, length(item) - 1)) == 1) found = 1
      else if (item ~ /^[0-9]+-[0-9]+$/) { split(item, ends, "-"); if (word + 0 >= ends[1] + 0 && word + 0 <= ends[2] + 0) found = 1 } }
    return not ? !found : found }'
