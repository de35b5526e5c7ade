# May we, and can we: ownership, privilege, space, tools. Nothing is changed here but packages that are missing.
# shellcheck shell=sh disable=SC2154

preflight() {
  [ "$(id -u)" = 0 ] || die "not root on this host" "log in as root, or as a user with passwordless sudo"
  refuse_foreign
  refuse_newer
  refuse_another_name
  refuse_foreign_second
  for tool in base64 sha256sum awk sed sort flock; do
    has "$tool" || die "the host has no $tool" "install coreutils, util-linux and awk there"
  done
  with_tools || install_tools
  [ "$(backend)" != none ] || install_packages wireguard-go
  [ "$(backend)" != none ] || die "neither this kernel nor a wireguard-go program has WireGuard" \
    "install a kernel with WireGuard (5.6 or newer has it), or wireguard-go"
  ipv6_if_wanted
  make_places
}

# The owner mark. Without one, whatever is there belongs to somebody else.
refuse_foreign() {
  if [ ! -f "$STATE/owner" ]; then
    if [ -e "$LIVE" ] || link_exists; then
      die "there already is a $IFACE that wireguard-mesh did not make; it was not touched" \
        "take it away there (wg-quick down $IFACE; mv $LIVE $LIVE.old), or set network.interface to another name"
    fi
    return 0
  fi
  marked=$(marks_in "$STATE/owner")
  case $marked in "$(marks)" | any) return 0 ;; esac
  # The same node on a machine that shows other host keys than before is still the same owner's.
  [ "${marked% *}" != "$owner $node" ] || return 0
  if renamed; then
    # Now, whatever comes of the push: the engine removes the former name next, and the tunnel may be the only way in.
    write_marks
    return 0
  fi
  die "$IFACE here belongs to another: ${marked% *}; it was not touched" \
    "if that one is gone, release it there: sudo sh $STATE/host.sh release $IFACE"
}

# A node that has got another name: of the same stack, on the same machine, and no node of the config is called as it was.
renamed() {
  [ "${marked%% *}" = "$owner" ] || return 1
  was_on=${marked##* }
  # There is one machine that runs `up`, though its mark has the node's name in it.
  case $was_on,$machine in local:*,local:*) was_on=$machine ;; esac
  [ "$was_on" = "$machine" ] || return 1
  called=${marked#* } called=${called% *}
  case " $rivals " in *" $called "*) return 1 ;; esac
  tell "note this host was $called; it is $node from now on"
}

marks() { tell "$owner $node $machine"; }
marks_in() { tr '\n' ' ' <"$1" | sed 's/ $//'; }
write_marks() { [ "$(cat "$STATE/owner" 2>/dev/null)" = "$(marks | tr ' ' '\n')" ] || marks | tr ' ' '\n' | write_state owner; }

# The engine would not take the former interface away, and the two would want one port.
refuse_another_name() {
  [ ! -f "$STATE/owner" ] || return 0
  for file in /var/lib/wireguard-mesh/*/owner; do
    [ -f "$file" ] || continue
    [ "$(marks_in "$file")" = "$(marks)" ] || continue
    there=${file%/owner} there=${there##*/}
    die "this node has the interface $there here, and an interface is not renamed: nothing was changed" \
      "put network.interface back to $there; or, by another way in than the tunnel, take that one away first: sudo sh /var/lib/wireguard-mesh/$there/host.sh remove $there"
  done
}

# Of what a push leaves on a host. A later version that leaves more, which this one would not take care of, counts on.
FORMAT=2
refuse_newer() {
  left=$(read_state format)
  [ "${left:-1}" -le "$FORMAT" ] || die "this host was last pushed to by a newer wireguard-mesh; it was not touched" \
    "update yours: git pull && npm ci, then run up again"
}

# wg-quick would fail half way through an address that the kernel refuses.
ipv6_if_wanted() {
  [ "$forwarding6" = 1 ] || printf '%s' "$config" | base64 -d | grep -q '^Address *=.*:' || return 0
  [ "$(sysctl_value net.ipv6.conf.default.disable_ipv6)" != 0 ] || return 0
  die "IPv6 is switched off on this host, and its config wants an IPv6 address; nothing was changed" \
    "switch it on there (sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0; see /etc/sysctl.d and the kernel's command line), or take address6 off this node"
}

make_places() {
  for place in "$STATE" "$STAGE" "$STAGE/good"; do
    { mkdir -p "$place" && chmod 700 "$place"; } 2>/dev/null || no_room "$place"
  done
}

# Asks the kernel by making a link: a module may be there, built in, or to be loaded, and only this tells.
backend() {
  # With our own number: two networks may be pushed to at the same time.
  if ip link add "wgmesh-$$" type wireguard 2>/dev/null; then
    ip link del "wgmesh-$$"
    tell kernel
  elif has wireguard-go && [ -e /dev/net/tun ]; then
    tell userspace
  else
    tell none
  fi
}

with_tools() { has wg && has wg-quick && has ip; }

install_tools() {
  if has apk; then
    install_packages wireguard-tools iproute2 bash
  elif has dnf || has yum; then
    install_packages wireguard-tools iproute
  else
    install_packages wireguard-tools iproute2
  fi
  with_tools ||
    die "wg, wg-quick or ip is missing and could not be installed" "install wireguard-tools and iproute2 on the host"
}

# Only missing packages, by the host's own package manager, with its output out of the way.
install_packages() {
  say "progress: installing $*"
  log=/run/wireguard-mesh-install.log
  if has apt-get; then
    DEBIAN_FRONTEND=noninteractive bounded 280 sh -c \
      'apt-get -qq update; exec apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"' sh "$@" \
      </dev/null >"$log" 2>&1 || say "progress: $(tail -n 1 "$log")"
  elif has dnf; then
    bounded 280 dnf -q -y install "$@" </dev/null >"$log" 2>&1 || say "progress: $(tail -n 1 "$log")"
  elif has yum; then
    bounded 280 yum -q -y install "$@" </dev/null >"$log" 2>&1 || say "progress: $(tail -n 1 "$log")"
  elif has apk; then
    bounded 280 apk -q add "$@" </dev/null >"$log" 2>&1 || say "progress: $(tail -n 1 "$log")"
  fi
}
