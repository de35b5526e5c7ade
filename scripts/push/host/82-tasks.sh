# What a host does by itself between two pushes: peers go at their date, and while a peer is silent the name in its endpoint is
# resolved again. mesh/host/tasks.ts describes the lines of STATE/tasks.

# Called by wg-quick(8) at boot; its file still has expired peers. A commit that a power cut interrupted is finished first.
tasks_at_boot() {
  exec >/dev/null 2>&1
  ! lock 0 || { [ ! -f "$STATE/commit" ] || [ -f "$RUN/pending" ] || finish_commit; }
  unlock
  begin_tasks
}
# Removes expired peers, and starts a systemd timer or else a loop. --collect: a round after a removal fails, without host.sh.
begin_tasks() {
  [ -f "$STATE/tasks" ] || return 0
  expire
  ! ticker_runs || return 0
  [ -d "$RUN" ] || mkdir -p "$RUN"
  read -r kind every <"$STATE/tasks"
  with_systemd && has systemd-run && without_lock timeout -k 1 10 systemd-run --quiet --collect --unit="${TASKS_TIMER%.timer}" \
    --on-active=1 --on-unit-active="$every" --timer-property=AccuracySec=1 --property=LogLevelMax=notice /bin/sh "$STATE/host.sh" tick "$IFACE" </dev/null >/dev/null 2>&1 && return
  detach "$STATE/host.sh" ticks "$IFACE"
  printf '%s\n' $! >"$RUN/ticker"
}
end_tasks() {
  [ ! -e "/run/systemd/transient/$TASKS_TIMER" ] || timeout -k 1 10 systemctl --quiet stop "$TASKS_TIMER" 2>/dev/null
  ! loop_runs || kill "$(first_line "$RUN/ticker")" 2>/dev/null
}
ticker_runs() { [ -e "/run/systemd/transient/$TASKS_TIMER" ] || loop_runs; }
loop_runs() { [ -f "$RUN/ticker" ] && grep -q ticks "/proc/$(first_line "$RUN/ticker")/cmdline" 2>/dev/null; }
ticks() {
  exec >/dev/null 2>&1
  printf '%s\n' $$ >"$RUN/ticker"
  while [ -f "$STATE/tasks" ] && [ "$(first_line "$RUN/ticker")" = $$ ]; do
    sh "$STATE/host.sh" tick "$IFACE"
    sleep "$(seconds_to_wait)"
  done
}
# Until the next round: a date may be sooner.
seconds_to_wait() {
  awk -v now="$(date +%s)" '$1 == "every" { wait = $2 } $1 == "expire" && $3 > now && $3 - now < wait { wait = $3 - now } END { print wait }' "$STATE/tasks"
}
# One round.
tick() {
  exec >/dev/null 2>&1
  [ -f "$STATE/tasks" ] || { end_tasks; return 0; }
  expire
  # Not during an unconfirmed change: its check would take a new endpoint for a fault of the change.
  if lock 0 && [ ! -f "$RUN/pending" ]; then keep_own_way; follow_names; fi
}
keep_own_way() { # `nft flush ruleset`, as by a reload of nftables.service, takes our table along.
  has_line own-way "$STATE/tasks" && exists "$IFACE" && ! nft list table inet "$TABLE" >/dev/null 2>&1 || return 0
  for file in $FILTERS; do ! grep -q -F "$file" "$LIVE" || nft -f "$file"; done
}
# The shell's numbers may be too small for dates after 2038.
expire() {
  local gone
  gone=$(awk -v now="$(date +%s)" '$1 == "expire" && $3 <= now { print "peer", $2, "remove" }' "$STATE/tasks")
  # shellcheck disable=SC2086 # words are meant
  for name in "$IFACE" "$SECOND"; do [ -z "$gone" ] || ! exists "$name" || wg set "$name" $gone; done
}
# A handshake in the future is one from before the clock was set back.
follow_names() {
  local silent
  silent=$(wg show all dump | awk -v now="$(date +%s)" -v main="$IFACE" -v second="$SECOND" '
    NR == FNR { if ($1 == "silence") silence = $2; if ($1 == "resolve") name[$2] = $3 " " $4; next }
    NF == 9 && ($1 == main || $1 == second) && ($2 in name) { ago = now - $6; if (ago > silence || ago < -silence) print $1, $2, $4, name[$2] }' "$STATE/tasks" -)
  [ -n "$silent" ] || return 0
  QUESTIONS=$(printf '%s\n' "$silent" | awk -v OFS="$TAB" '!seen[$4]++ { print "name", $4 }')
  # shellcheck disable=SC2086 # words are meant
  { printf '%s\n' "$silent" && observe_names; } | awk '
    NF == 5 { peer[NR] = $1 " peer " $2; is[NR] = $3; host[NR] = $4; port[NR] = $5 }
    NF == 2 { for (n in peer) if (host[n] == $1) { at = ($2 ~ /:/ ? "[" $2 "]" : $2) ":" port[n]; if (!(n in to)) to[n] = at; if (at == is[n]) fits[n] } }
    END { for (n in to) if (!(n in fits)) print peer[n], "endpoint", to[n] }' |
    while read -r words; do wg set $words; done
}
