# The only part that runs: the files before it define functions, so an incomplete program does nothing.

# By SSH: `main VERB IFACE TOKEN …` (host-program.ts). As a file here: `sh host.sh VERB IFACE [TOKEN]`, by itself or by hand.
main() {
  [ $# -gt 1 ] || return 0
  local verb="$1"
  set_paths "$2"
  TOKEN=${3-}
  [ $# -lt 3 ] || shift 3
  case $verb in
    push | confirm | status | mend | guard | supervise) "$verb" "$@" ;;
    remove) if [ -z "$TOKEN" ]; then by_hand remove; else remove "$@"; fi ;;
    release) by_hand release ;;
    own-key) make_own_key ;;
    host-key) make_host_key "$@" ;;
    certificate) take_certificate "$*" ;;
    identity) drop_other_keys ;;
    tear-down) tear_down_pending ;;
    # Called by a unit at boot.
    names) lock 25 && write_hosts ;;
    watch) if [ -n "$TOKEN" ]; then watch; else watch_at_boot; fi ;;
    tasks) tasks_at_boot ;;
    tick | ticks) "$verb" ;;
    # With a token: the timer of an older version, whose change was confirmed since.
    rollback) case $TOKEN in ????????????*) ;; *) by_hand rollback ;; esac ;;
    *) fail "unknown verb $verb" "on the host: rollback, remove or release" ;;
  esac
}

main "$@"
