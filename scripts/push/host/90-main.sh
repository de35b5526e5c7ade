# The only part that runs: everything before it defines functions, so a stream that is cut does nothing.
# shellcheck shell=sh disable=SC2034

main() {
  read_payload
  set_places "$interface"
  case $verb in
    apply) apply ;;
    confirm) confirm ;;
    remove) remove ;;
    facts) facts ;;
    own-key) make_own_key ;;
    host-key) make_host_key ;;
    certificate) take_certificate ;;
    identity) drop_other_keys ;;
    *) die "unknown verb $verb" "this is a bug: report it" ;;
  esac
}

# Lines `KEY VALUE` on stdin, closed by `end`. Only known keys become variables.
read_payload() {
  complete=no
  instances='' rivals='' pairs='' alternate='' shake=''
  while IFS= read -r line; do
    case $line in *' '*) value=${line#* } ;; *) value= ;; esac
    case ${line%% *} in
      verb) verb=$value ;; interface) interface=$value ;;
      owner) owner=$value ;; node) node=$value ;; machine) machine=$value ;;
      token) token=$value ;; digest) digest=$value ;; timeout) timeout=$value ;; probes) probes=$value ;;
      instances) instances=$value ;; rivals) rivals=$value ;;
      forwarding4) forwarding4=$value ;; forwarding6) forwarding6=$value ;;
      sha256) sha256=$value ;; script-sha256) script_sha256=$value ;; config) config=$value ;; script) script=$value ;;
      certificate) certificate=$value ;;
      pairs) pairs=$value ;; shake) shake=$value ;;
      alternate) alternate=$value ;; alternate-sha256) alternate_sha256=$value ;; alternate-config) alternate_config=$value ;;
      end) complete=yes ;;
    esac
  done
  [ "$complete" = yes ] || die "the message to the host was cut short; nothing was done" "run up again"
}

# As a file on the host: `sh host.sh VERB INTERFACE [TOKEN]`, by the timer, by itself, or by hand.
case ${1:-} in
  carry-out) set_places "$2" && token=$3 && carry_out ;;
  rollback) set_places "$2" && token=$3 && rollback ;;
  watch) set_places "$2" && watch_keys "${3:-}" ;;
  tear-down | remove) set_places "$2" && tear_down ;;
  release) set_places "$2" && release ;;
esac
