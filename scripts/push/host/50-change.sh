# A change: begun by one login, carried out by a supervisor, committed by the next login or undone.

# The first login. $1: the last change that was known when it logged in. $2: the digest that it wants, if it came by a way of that.
push() {
  lock 25 || fail "another change of $IFACE has been running for 25 s" "wait for it, then run up again"
  ! overtaken "$1" || return 0
  # What a killed push has left, the operator may keep.
  if [ ! -f "$STATE/commit" ] && [ -f "$RUN/pending" ] && [ -e "$CHANGE/applied" ] && has_line "digest ${2:--}" "$(staged "$STATE/confirmed")"; then
    converse
    conclude
    return
  fi
  settle
  converse
  case $answer in
    change | mark)
      (stage "$RUN/answer") || { drop_staged; exit 1; }
      [ "$answer" = mark ] || launch "$STATE/host.sh" guard "$TOKEN"
      echo begun
      ;;
    install) timeout 280 sh -c "$argument" </dev/null >"$RUN/install.log" 2>&1 || echo "progress: $(tail -n 1 "$RUN/install.log")" >&2 ;;
  esac
}
# A login that is older than another change must not undo that: its operator may be gone.
overtaken() { [ "$(first_line "$LOCK")" != "${1#-}" ] && echo overtaken; }
# Without the lock, comparing with the live files instead of what the operator wants.
status() {
  QUESTIONS=$QUESTIONS$NL$(awk -v OFS="$TAB" '
    $1 == "PublicKey" { key = $3 }
    $1 == "PresharedKey" { name = FILENAME; gsub(/.*\/|\.conf$/, "", name); print "psk", name, key, $3 }' "$LIVE" "$SECOND_LIVE" 2>/dev/null)
  observe
}
# Observes, and takes the operator's answer, all up to end of file: its first line is in `answer` and `argument`.
converse() {
  local words
  observe
  [ -d "$RUN" ] || words=$(mkdir -p "$RUN" 2>&1) || cannot_write "$RUN" "$words"
  # 124: the operator is gone without a word.
  words=$({ timeout 30 cat >"$RUN/answer"; } 2>&1) || [ $? = 124 ] || cannot_write "$RUN" "$words"
  answer=none argument=
  read -r answer argument <"$RUN/answer"
}

# Ends what another push or an older version left unfinished.
settle() {
  token=$(first_line "$RUN/pending")
  if [ -f "$STATE/commit" ]; then
    finish_commit >/dev/null
  elif [ -n "$token" ] && [ -e "$CHANGE/started" ]; then
    undo_once || fail "the last change of $IFACE could not be undone yet: $(tail -n 1 "$RUN/log")" "it is tried again and again; see $RUN/log"
  elif [ -n "$token" ] && [ ! -d "$CHANGE" ] && [ -f "$STATE/host.sh" ]; then
    # What an older version's timer would call.
    unlock
    timeout 60 sh "$STATE/host.sh" rollback "$IFACE" "$token" >/dev/null 2>&1
    lock 25
  fi
  [ ! -f "$RUN/pending" ] || rm -f "$RUN/pending"
}
pending() { [ "$(first_line "$RUN/pending")" = "$TOKEN" ]; }
result() { printf 'result %s\n' "$1" >>"$RUN/result"; }

# Starts the supervisor, and undoes the change if that is killed or hangs. If this shell is killed the supervisor goes on by
# itself; if both are, systemd starts this again; and the next boot has the former files in any case.
guard() {
  timeout -k 5 "$CHANGE_S" sh "$STATE/host.sh" supervise "$IFACE" "$TOKEN"
  pending || return 0
  # Longer than a login that confirms may hold it.
  lock 60
  pending || return 0
  result "the program that carried it out was killed, or hung for $CHANGE_S s"
  undo_until_done
}
supervise() {
  lock 25
  pending || return 0
  exec >>"$RUN/log" 2>&1
  if [ -e "$CHANGE/started" ]; then
    result "the program that carried it out was killed"
  else
    : >"$CHANGE/started"
    if run_steps apply; then
      : >"$CHANGE/applied"
      await_pings
      unlock
      # Until the commit closes it, or the time is up. Not by the clock, which may be set.
      timeout "$UNDO_AFTER_S" cat "$CHANGE/done"
      pending || return 0
      lock 60
      pending || return 0
      result "it was not confirmed within $UNDO_AFTER_S s"
    else
      : >"$CHANGE/failed"
      result "$(tail -n 1 "$RUN/log")"
    fi
  fi
  undo_until_done
}
undo_until_done() {
  local seconds=1
  [ ! -f "$STATE/commit" ] || { finish_commit && return; }
  until undo_once; do
    unlock
    pause "$seconds"
    seconds=$((seconds < 30 ? seconds * 2 : 30))
    lock 60
    pending || return 0
  done
}
undo_once() {
  run_steps undo >>"$RUN/log" 2>&1 || return 1
  mv "$RUN/pending" "$RUN/rolled-back"
  drop_staged
}
# Also where the disk is full or read-only.
drop_staged() {
  for_each_step commit drop_file
  rm -rf "$STATE/.commit.new" "$(staged "$STATE/request")" "$RUN/answer" "$CHANGE" 2>/dev/null
}
drop_file() { [ "$1" != place ] || rm -f "$(staged "$4")" 2>/dev/null; }

# The second login: the operator sees this host after the change, by a connection that is newer than it.
confirm() {
  local tries=50
  lock 40 || fail "the change did not come to an end within 40 s" "it will be undone; run up again"
  # This may come between the first login and the supervisor.
  while pending && [ ! -e "$CHANGE/started" ] && [ "$((tries -= 1))" -gt 0 ]; do
    unlock
    pause 0.1
    lock 40
  done
  converse
  ! pending || [ ! -e "$CHANGE/applied" ] || conclude
}
conclude() { case $answer in commit) commit ;; undo) undo_once && echo undone ;; esac; }

# The mark decides: before it the change is undone, after it the commit is finished, if need be after a reboot.
commit() {
  if ! words=$({ mv "$STATE/.commit.new" "$STATE/commit" && place_live; } 2>&1); then
    rm -f "$STATE/commit"
    undo_once
    cannot_write "$LIVE" "$words"
  fi
  finish_commit
  echo committed
}
# A filter is in place before the live file that names it, and nothing names it until then.
place_live() { for path in $FILTERS "$LIVE"; do mv_staged "$path" || return; done; }
# What fails here is a note: the change is made, and the next push finds what is missing.
finish_commit() {
  # shellcheck disable=SC2086 # words are meant
  while read -r step <&3; do words=$(commit_step $step 2>&1) || { words=${words##*: } && echo "note $step: ${words:-it did not come to an end}"; }; done 3<"$STATE/commit"
  # Closing it wakes the supervisor, which finds nothing pending.
  [ ! -p "$CHANGE/done" ] || exec 6<>"$CHANGE/done"
  rm -rf "$STATE/commit" "$(staged "$STATE/request")" "$RUN/pending" "$RUN/answer" "$CHANGE"
  exec 6>&-
  to_disk
}
commit_step() {
  case $1 in
    place) mv_staged "$4" ;;
    delete) rm -f "$2" ;;
    enable | disable) SYSTEMD_OFFLINE=1 timeout -k 1 10 systemctl --quiet --no-reload "$1" "$2" ;;
    openrc) timeout 10 rc-update "$2" "$3" default ;;
    hosts) write_hosts ;;
    dns) serve_names "$2" ;;
    tasks) if [ -f "$STATE/tasks" ]; then begin_tasks; else end_tasks; fi ;;
    keep) keep_generation ;;
    forget-keys) forget_own_keys ;;
  esac
}
