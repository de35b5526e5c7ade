# May we, and can we: ownership, privilege, space, tools. Nothing is changed here but packages that are missing.
# shellcheck shell=sh disable=SC2154

preflight() {
  [ "$(id -u)" = 0 ] || die "not root on this host" "log in as root, or as a user with passwordless sudo"
  refuse_foreign
  for tool in base64 sha256sum awk sed sort flock; do
    has "$tool" || die "the host has no $tool" "install coreutils, util-linux and awk there"
  done
  with_tools || install_tools
  [ "$(backend)" != none ] || install_packages wireguard-go
  [ "$(backend)" != none ] || die "neither this kernel nor a wireguard-go program has WireGuard" \
    "install a kernel with WireGuard (5.6 or newer has it), or wireguard-go"
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
  die "$IFACE here belongs to another: ${marked% *}; it was not touched" \
    "if that one is gone, release it there: sudo sh $STATE/host.sh release $IFACE"
}

marks() { tell "$owner $node $machine"; }
marks_in() { tr '\n' ' ' <"$1" | sed 's/ $//'; }
write_marks() { marks | tr ' ' '\n' | write_state owner; }

make_places() {
  mkdir -p "$STATE" "$STAGE" || full_disk
  chmod 700 "$STATE" "$STAGE"
}

# Asks the kernel by making a link: a module may be there, built in, or to be loaded, and only this tells.
backend() {
  if ip link add wgmesh-probe type wireguard 2>/dev/null; then
    ip link del wgmesh-probe
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
