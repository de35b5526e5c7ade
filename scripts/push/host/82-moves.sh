# A host that only the tunnel leads to keeps its former addresses while it does not answer at its new one: lines
# `former IFACE ADDRESS FORMER` of RUN/rotation (mesh/host/former-addresses.ts). By the watcher of keys.
follow_moves() {
  local kind name address former answers has others one
  has ping || return 0
  while read -r kind name address former <&3; do
    [ "$kind" = former ] || continue
    if ping -n -c 1 -W 1 "${address%/*}" >/dev/null 2>&1; then answers=yes; else answers=no; fi
    # Another push may have come meanwhile.
    if lock 0 && watched; then
      # shellcheck disable=SC2046 # words are meant: the key and its prefixes
      set -- $(wg show "$name" allowed-ips | grep -w -F "$address")
      has=no others=
      for one; do case ,$former, in *,"$one",*) has=yes ;; *) others="$others,$one" ;; esac; done
      others=${others#,*,}
      case $#$answers$has in
        0*) ;;
        *yesyes) wg set "$name" peer "$1" allowed-ips "$others" ;;
        *nono) wg set "$name" peer "$1" allowed-ips "$others,$former" ;;
      esac
    fi
    unlock
  done 3<"$RUN/rotation"
}
