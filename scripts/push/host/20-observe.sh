# Prints the state of the host: tool output in sections for mesh/host/observation.ts. Changes nothing, prints no private key.

# QUESTIONS: lines `psk IFACE KEY PRESHARED`, `name HOST`, `keys`, `filter`, `table`, `dns` and `generations`, with tabs.
observe() {
  network=$(observe_ip)
  section host && observe_host
  # busybox's ip prints no JSON.
  case $network in '['*) echo ip full ;; *) ! has ip || echo ip limited ;; esac
  section ip && printf '%s\n' "$network"
  section wg && observe_wireguard
  section kernel && observe_kernel
  section table && ! may_filter || nft -s list table inet "$TABLE" 2>/dev/null
  section files
  # shellcheck disable=SC2086 # paths without blanks
  sha256sum $FILTERS "$LIVE" "$SECOND_LIVE" "$STATE/host.sh" "$DROP_IN" "/etc/systemd/system/$KEYS_UNIT" 2>/dev/null; [ ! -e "$LIVE" ] && [ ! -e "$SECOND_LIVE" ] || find "$LIVE" "$SECOND_LIVE" ! -perm 600 2>/dev/null
  section records && observe_records
  section config
  grep -s -H -v -i -E '^[[:space:]]*(privatekey|presharedkey)[[:space:]]*=' "$LIVE" "$SECOND_LIVE"
  section hosts
  ! has_line "$MARK begin" /etc/hosts || observe_hosts
  section mounts
  grep -s -F -e ' /etc/wireguard' -e ' /etc/sysctl.d/' -e ' /var/lib/wireguard-mesh' /proc/self/mountinfo
  section names && observe_names
  section own-keys
  case $NL$QUESTIONS in *"${NL}keys"*) own_keys | cut -d ' ' -f 1 ;; esac
  case $NL$QUESTIONS in
    *"${NL}filter"*)
      section nft
      ! has nft || timeout 5 nft list ruleset 2>/dev/null
      section iptables
      ! has iptables-save || timeout 5 iptables-save -t filter 2>/dev/null
      ;;
  esac
  case $NL$QUESTIONS in *"${NL}dns"*) section dns && ss -Hlntup 'sport = :53' 2>/dev/null ;; esac
  case $NL$QUESTIONS in *"${NL}generations"*) section generations && grep -s -H -F "$(staged "$STATE/request"):" "$STATE"/generations/* ;; esac
  section end
}

# Whether the host may have a table of this program. Most have none, and the call of nft is saved.
may_filter() {
  case $NL$QUESTIONS in *"${NL}table"*) ;; *) [ -e "${FILTERS% *}" ] || [ -e "${FILTERS#* }" ] || return ;; esac
  has nft
}
# The token is random, so no tool prints such a line.
section() { printf '@%s %s\n' "$TOKEN" "$1"; }
observe_host() {
  local boot tool found='' link init=none state=reserved dns
  read -r boot </proc/sys/kernel/random/boot_id
  for tool in wg wg-quick ip flock sha256sum awk timeout setsid systemd-run ping nft iptables-save dnsmasq getent nslookup apt-get dnf yum apk; do
    ! has "$tool" || found="$found $tool"
  done
  if with_systemd; then init=systemd; elif has rc-update && [ -d /etc/init.d ]; then init=openrc; fi
  printf 'boot %s\nnow %s\ntools%s\ninit %s\n' "$boot" "$(date +%s)" "$found" "$init"
  for link in /etc/systemd/system/multi-user.target.wants/wg-quick@"$IFACE".service \
    /etc/systemd/system/multi-user.target.wants/"$KEYS_UNIT" /etc/systemd/system/multi-user.target.wants/"$DNS_UNIT" \
    /etc/systemd/system/multi-user.target.wants/"$NAMES_UNIT" /etc/runlevels/default/wireguard-mesh."$IFACE" /etc/runlevels/default/wireguard-mesh-dns."$IFACE"; do
    [ ! -L "$link" ] || echo "link $link"
  done
  exists "$IFACE" || echo "wireguard $(wireguard_for_new)"
  if [ -f "$RUN/pending" ]; then
    for tool in started applied failed; do [ ! -e "$CHANGE/$tool" ] || state=$tool; done
    echo "pending $(first_line "$RUN/pending") $state"
  fi
  [ ! -f "$RUN/result" ] || while read -r line; do printf '%s\n' "$line"; done <"$RUN/result"
  if [ -f "$STATE/tasks" ]; then if ticker_runs; then echo ticker running; else echo ticker missing; fi; fi
  if [ -f "$RUN/watcher" ]; then if watcher_runs; then echo watcher running; else echo watcher missing; fi; fi
  [ ! -d /etc/cloud ] || echo cloud-init
  for link in "$STATE"/generations/*; do [ ! -f "$link" ] || echo "generation ${link##*/}"; done
  dns=$(dns_process)
  [ -z "$dns" ] || echo "dns $dns"
}
# Creates a link to find out, because the module may be built in or not loaded yet.
wireguard_for_new() {
  if ip link add "wgmesh-$$" type wireguard 2>/dev/null; then
    ip link del "wgmesh-$$" && echo kernel
  elif has wireguard-go && { [ -e /dev/net/tun ] || modprobe tun 2>/dev/null; }; then echo userspace; else echo none; fi
}

# The IPv6 rules matter only with a second interface, or if all traffic goes into the tunnel (then there is a table).
observe_ip() {
  printf 'link show\naddress show\nroute show table all\nrule show\n' | ip -force -j -batch - 2>/dev/null
  if exists "$SECOND" || may_filter; then ip -6 -j rule show 2>/dev/null; fi
}

# `wg show all dump` without secrets: a preshared key is `none`, `same` or `other` compared with the wanted one, or `set`.
observe_wireguard() {
  { printf '%s\n' "$QUESTIONS" && wg show all dump 2>/dev/null; } | awk -F "$TAB" -v OFS="$TAB" '
    $1 == "psk" { wanted[$2, $3] = $4 }
    NF == 5 { print $1, $3, $4, $5 }
    NF == 9 { key = $3 == "(none)" ? "none" : !(($1, $2) in wanted) ? "set" : wanted[$1, $2] == $3 ? "same" : "other"
      print $1, $2, key, $4, $5, $6, $7, $8, $9 }'
}
observe_kernel() {
  grep -s -H -E '^(DEVTYPE=|-?[0-9])' /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding \
    /proc/sys/net/ipv6/conf/*/accept_ra /proc/sys/net/ipv6/conf/all/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6 \
    /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/all/src_valid_mark /sys/class/net/*/uevent
}
observe_records() {
  local name files=
  for name in format digest file forwarding probes instances rotation tasks own-mtu commit switched-on-ipv4 switched-on-ipv6; do files="$files $STATE/$name"; done
  for name in pending timer watcher keys rp-filter rolled-back rotation settled; do files="$files $RUN/$name"; done
  # shellcheck disable=SC2086 # paths without blanks
  grep -s -H '' $files "$NAMES" "$DNS_CONFIG" "/etc/systemd/system/$NAMES_UNIT" "/etc/systemd/system/$DNS_UNIT" /var/lib/wireguard-mesh/*/owner /var/lib/wireguard-mesh/*/confirmed /etc/sysctl.d/60-wireguard-mesh-*.conf
}

# In parallel, because each may run into a timeout.
observe_names() {
  printf '%s\n' "$QUESTIONS" | {
    while IFS="$TAB" read -r kind name; do if [ "$kind" = name ]; then resolve "$name" & fi; done
    wait
  }
}
# Lines `NAME ADDRESS` in the resolver's order.
resolve() {
  if has getent; then
    timeout 5 getent ahosts "$1" | awk -v name="$1" '!seen[$1]++ { print name, $1 }'
  else
    timeout 5 nslookup "$1" 2>/dev/null | awk -v name="$1" '/^Name:/ { on = 1 } on && /^Address/ { print name, $NF }'
  fi
}
