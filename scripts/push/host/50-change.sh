# A change: one login begins it, a supervisor applies it, and the next login commits it; else it is undone.

# The first login. $1: the last change at the time of the login. $2: the wanted digest, if the login used a way of that config.
push() {
  lock 25 || fail "another change of $IFACE has been running for 25 s" "wait for it, then run up again"
  ! overtaken "$1" || return 0
  # A killed push left an applied change of the same state: this login may confirm it.
  if [ ! -f "$STATE/commit" ] && [ -f "$RUN/pending" ] && [ -e "$CHANGE/applied" ] && has_line "digest ${2:--}" "$(staged "$STATE/confirmed")"; then
    observe_and_read_answer
    act_on_answer
    return
  fi
  settle
  observe_and_read_answer
  case $answer in
    change | mark)
      (stage "$RUN/answer") || { drop_staged; exit 1; }
      [ "$answer" = mark ] || launch "$STATE/host.sh" guard "$TOKEN"
      echo begun
      ;;
    install) timeout 280 sh -c "$argument" </dev/null >"$RUN/install.log" 2>&1 || echo "progress: $(tail -n 1 "$RUN/install.log")" >&2 ;;
  esac
}
# A login that is older than a change must not undo that change.
overtaken() { [ "$(first_line "$LOCK")" != "${1#-}" ] && echo overtaken; }
# Takes no lock. Preshared keys are compared with the live files, not with wanted ones.
status() {
  QUESTIONS=$QUESTIONS$NL$(awk -v OFS="$TAB" '
    $1 == "PublicKey" { key = $3 }
    $1 == "PresharedKey" { name = FILENAME; gsub(/.*\/|\.conf$/, "", name); print "psk", name, key, $3 }' "$LIVE" "$SECOND_LIVE" 2>/dev/null)
  observe
}
# Observes, and reads the answer until end of file. Its first line is in `answer` and `argument`.
observe_and_read_answer() {
  local words
  observe
  [ -d "$RUN" ] || words=$(mkdir -p "$RUN" 2>&1) || cannot_write "$RUN" "$words"
  # 124: timeout, because the operator's connection broke.
  words=$({ timeout 30 cat >"$RUN/answer"; } 2>&1) || [ $? = 124 ] || cannot_write "$RUN" "$words"
  answer=none argument=
  read -r answer argument <"$RUN/answer"
}

# Finishes or undoes the change of an earlier push.
settle() {
  token=$(first_line "$RUN/pending")
  if [ -f "$STATE/commit" ]; then
    finish_commit >/dev/null
  elif [ -n "$token" ] && [ -e "$CHANGE/started" ]; then
    undo_once || fail "the last change of $IFACE could not be undone yet: $(tail -n 1 "$RUN/log")" "it is tried again and again; see $RUN/log"
  elif [ -n "$token" ] && [ ! -d "$CHANGE" ] && [ -f "$STATE/host.sh" ]; then
    # The rollback of an older version.
    unlock
    timeout 60 sh "$STATE/host.sh" rollback "$IFACE" "$token" >/dev/null 2>&1
    lock 25
  fi
  [ ! -f "$RUN/pending" ] || rm -f "$RUN/pending"
}
pending() { [ "$(first_line "$RUN/pending")" = "$TOKEN" ]; }
result() { printf 'result %s\n' "$1" >>"$RUN/result"; }

# Starts the supervisor, and undoes the change if that is killed or hangs. If the guard is killed, systemd ends both and restarts
# the guard, which undoes a begun change; without systemd the supervisor continues. Until the commit, a boot uses the old files.
guard() {
  timeout -k 5 "$CHANGE_S" sh "$STATE/host.sh" supervise "$IFACE" "$TOKEN"
  pending || return 0
  # Longer than a confirming login holds the lock.
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
      # Waits until the commit closes the pipe, or for the timeout. Does not depend on the clock, which may jump.
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
# Must work on a full or read-only disk.
drop_staged() {
  for_each_step commit drop_file
  rm -rf "$STATE/.commit.new" "$(staged "$STATE/request")" "$RUN/answer" "$CHANGE" 2>/dev/null
}
drop_file() { [ "$1" != place ] || rm -f "$(staged "$4")" 2>/dev/null; }

# The second login, which proves that the host is reachable after the change.
confirm() {
  local tries=50
  lock 40 || fail "the change did not come to an end within 40 s" "it will be undone; run up again"
  # The supervisor may not have started yet.
  while pending && [ ! -e "$CHANGE/started" ] && [ "$((tries -= 1))" -gt 0 ]; do
    unlock
    pause 0.1
    lock 40
  done
  observe_and_read_answer
  ! pending || [ ! -e "$CHANGE/applied" ] || act_on_answer
}
act_on_answer() { case $answer in commit) commit ;; undo) undo_once && echo undone ;; esac; }

# Until STATE/commit exists the change is undone; after that the commit is finished, even after a reboot.
commit() {
  if ! words=$({ mv "$STATE/.commit.new" "$STATE/commit" && place_live; } 2>&1); then
    rm -f "$STATE/commit"
    undo_once
    cannot_write "$LIVE" "$words"
  fi
  finish_commit
  echo committed
}
# The filter files come before the live file, which names them.
place_live() { for path in $FILTERS "$LIVE"; do mv_staged "$path" || return; done; }
# Failures are notes, because the change is applied; the next push repairs the rest.
finish_commit() {
  # shellcheck disable=SC2086 # words are meant
  while read -r step <&3; do words=$(commit_step $step 2>&1) || { words=${words##*: } && echo "note $step: ${words:-it did not come to an end}"; }; done 3<"$STATE/commit"
  # Closing the pipe wakes the supervisor, which finds nothing pending and ends.
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
