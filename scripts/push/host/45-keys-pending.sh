# Two keys at once: while a node moves from one key to its next, its neighbours know both, and its prefixes belong to the
# key that shook hands last. A relay may also serve its next key on a second interface: there, whichever interface a peer
# shook hands on last has the routes to it. What follows from the handshakes is decided here; 48-watch.sh keeps looking.
# shellcheck shell=sh disable=SC2154

# What the push says of it: `rotation` is confirmed, `next-rotation` staged; lines `pairs CURRENT:NEXT ...`,
# `alternate INTERFACE`, `shake KEY ...`.
stage_keys() {
  { tell "pairs $pairs"
    tell "alternate $alternate"
    tell "shake $shake"; } | write_state next-rotation
}

# $1: a key of the record; $2: the file that it stands beside.
recorded() { read_state "$(case $2 in "$STAGED") tell next-rotation ;; *) tell rotation ;; esac)" | sed -n "s/^$1 //p"; }

# Makes what stands beside a file the state that counts, until the next boot: lines `pair CURRENT NEXT`,
# `alternate INTERFACE`, `prefixes KEY LIST`. Nothing pending: no such state, and the watcher ends.
take_up_keys() {
  pending_keys "$1" | remember keys
  [ -s "$THIS_BOOT/keys" ] || rm -f "$THIS_BOOT/keys" "$THIS_BOOT/verdict"
}

pending_keys() {
  second=$(recorded alternate "$1")
  couples=$(recorded pairs "$1")
  [ -n "$couples$second" ] || return 0
  for couple in $couples; do tell "pair ${couple%%:*} ${couple#*:}"; done
  [ -z "$second" ] || tell "alternate $second"
  prefixes_in "$1"
}

prefixes_in() {
  awk '/^ *PublicKey *=/ { sub(/^[^=]*= */, ""); key = $0 }
    /^ *AllowedIPs *=/ { sub(/^[^=]*= */, ""); gsub(/[ \t]/, ""); if ($0 != "") print "prefixes", key, $0 }' "$1"
}

keys_pending() { [ -f "$THIS_BOOT/keys" ]; }
second_interface() { recall keys | sed -n 's/^alternate //p'; }

# Lines `is INTERFACE KEY SECONDS`, of those keys only that are peers there: none is ever made by what follows.
handshakes() {
  for name in "$IFACE" $(second_interface); do
    wg show "$name" latest-handshakes 2>/dev/null | sed "s/^/is $name /"
  done
}

# One step of the rule, under the lock of the keys. $1: `look`; `act`; or `follow`, which is quick where nothing moves.
settle_keys() {
  verdict=
  keys_pending || return 0
  last_verdict=$(recall verdict)
  verdict=$({ recall keys; tell "$last_verdict"; handshakes; } | judge_keys | sort)
  [ "$1" != look ] || return 0
  if [ "$1" = act ] || [ "${verdict%%was *}" != "${last_verdict%%was *}" ]; then
    move_routes
    move_prefixes
  fi
  tell "$verdict" | remember verdict
}

# Who shook hands last. Seconds are all that wg tells, and clocks are set back: so a handshake that is new since the last
# look counts for more than a later time, and of two in one second it is the one that things move to.
# In: the state that counts, the last verdict, `is` lines. Out: the new verdict, lines `was INTERFACE KEY SECONDS`,
# `owned INTERFACE CURRENT KEY` (who has the prefixes of that pair there), `routed CURRENT INTERFACE`.
judge_keys() {
  awk -v first="$IFACE" '
    $1 == "pair"      { next_of[$2] = $3; current_of[$3] = $2 }
    $1 == "alternate" { second = $2 }
    $1 == "was"       { was[$2, $3] = $4 }
    $1 == "owned"     { owned[$2, $3] = $4 }
    $1 == "routed"    { routed[$2] = $3 }
    $1 == "is"        { is[$2, $3] = $4; known[$3] = 1; print "was", $2, $3, $4 }
    function is_new(i, k) { return is[i, k] > 0 && is[i, k] != was[i, k] }
    function choose(former, a, time_a, new_a, b, time_b, new_b) {
      if (former == a || former == b) {
        if (!new_a && !new_b) return former
        if (new_a != new_b) return new_a ? a : b
      }
      return (time_b > 0 && time_b >= time_a) ? b : a
    }
    function owner(i, current, next_key) {
      if (!((i, next_key) in is)) return current
      if (!((i, current) in is)) return next_key
      return choose(owned[i, current], current, is[i, current] + 0, is_new(i, current), next_key, is[i, next_key] + 0, is_new(i, next_key))
    }
    function latest(i, current) {
      if (!(current in next_of) || is[i, current] > is[i, next_of[current]]) return is[i, current] + 0
      return is[i, next_of[current]] + 0
    }
    function any_new(i, current) { return is_new(i, current) || ((current in next_of) && is_new(i, next_of[current])) }
    END {
      for (key in next_of) {
        if ((first, key) in is || (first, next_of[key]) in is) print "owned", first, key, owner(first, key, next_of[key])
        if ((second, key) in is || (second, next_of[key]) in is) print "owned", second, key, owner(second, key, next_of[key])
      }
      if (second == "") exit
      for (key in known) if (!(key in current_of))
        print "routed", key, choose(routed[key], first, latest(first, key), any_new(first, key), second, latest(second, key), any_new(second, key))
    }'
}

# Gives the prefixes to the key that they belong to: one command takes them from the other at once.
move_prefixes() {
  { recall keys
    tell "$verdict"
    for name in "$IFACE" $(second_interface); do wg show "$name" allowed-ips 2>/dev/null | tr '\t' ' ' | sed "s/^/has $name /"; done; } |
    prefixes_to_move | while read -r name key list; do
    wg set "$name" peer "$key" allowed-ips "$list" || true
  done
}

# Lines `INTERFACE KEY LIST`.
prefixes_to_move() {
  awk '
    $1 == "prefixes" { list[$2] = $3 }
    $1 == "owned"    { wanted[$2 " " $3] = $4 }
    $1 == "has"      { for (i = 4; i <= NF; i++) holder[$2, $i] = $3 }
    END {
      for (which in wanted) {
        split(which, part, " ")
        count = split(list[part[2]], prefix, ",")
        for (i = 1; i <= count; i++) if (holder[part[1], prefix[i]] != wanted[which]) break
        if (count > 0 && i <= count) print part[1], wanted[which], list[part[2]]
      }
    }'
}

# Filters a config on its way to wg: the prefixes of a pair stand with the key that has them, so that setting the config
# takes them from nobody. In: the config. $1: lines `owned INTERFACE CURRENT KEY`.
place_prefixes() {
  { recall keys
    tell "$1"
    sed 's/^/line /'; } | awk -v name="$IFACE" '
    $1 == "pair"  { partner[$2] = $3 }
    $1 == "owned" && $2 == name { owner[$3] = $4; owner[partner[$3]] = $4 }
    $1 != "line"  { next }
    { sub(/^line ?/, ""); text[++count] = $0 }
    /^\[/ { section++ }
    { at[count] = section }
    /^ *PublicKey *=/ { sub(/^[^=]*= */, ""); sub(/[ \t\r]*$/, ""); key[section] = $0; heads[count] = 1 }
    /^ *AllowedIPs *=/ { sub(/^[^=]*= */, ""); prefixes[count] = $0 }
    END {
      for (i = 1; i <= count; i++) if ((i in prefixes) && (key[at[i]] in owner)) {
        to = owner[key[at[i]]]
        all[to] = all[to] (all[to] == "" || prefixes[i] == "" ? "" : ", ") prefixes[i]
      }
      for (i = 1; i <= count; i++) {
        if ((i in prefixes) && (key[at[i]] in owner)) continue
        print text[i]
        if ((i in heads) && all[key[at[i]]] != "" && owner[key[at[i]]] == key[at[i]]) print "AllowedIPs = " all[key[at[i]]]
      }
    }'
}

# As the file has it: every pair's prefixes with its current key.
place_as_filed() { place_prefixes "$(recall keys | awk -v name="$IFACE" '$1 == "pair" { print "owned", name, $2, $2 }')"; }

# Between the keys' watcher and a change of the config; short, and inside the host's lock where both are held.
lock_keys() {
  exec 8>>"$LOCK-keys"
  until_true 5 flock -n 8 || say "the keys of $IFACE have been being moved for 5 s: not waiting any longer"
}
unlock_keys() { exec 8>&-; }
