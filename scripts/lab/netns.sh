#!/bin/sh
# Configures one network namespace of the lab from inside: kernel settings, then `ip -batch` lines from stdin.
#
#   ip netns exec NAMESPACE sh netns.sh FORWARDS(0|1) <LINES
set -eu
PATH=/usr/sbin:/sbin:/usr/bin:/bin
forwards=$1

set_value() {
  if [ -e "/proc/sys/net/$1" ]; then echo "$2" >"/proc/sys/net/$1"; fi
}

# A new namespace can inherit IPv4 settings from the machine (devconf_inherit_init_net), so all are set here.
# Forwarding comes first: writing it resets other settings.
set_value ipv4/ip_forward "$forwards"
set_value ipv6/conf/all/forwarding "$forwards"
for scope in all default; do
  set_value "ipv4/conf/$scope/rp_filter" 2
  set_value "ipv4/conf/$scope/send_redirects" 0
  set_value "ipv4/conf/$scope/accept_redirects" 0
done
# If Docker has loaded br_netfilter, the router's rules would also apply to traffic within its LAN.
set_value bridge/bridge-nf-call-iptables 0
set_value bridge/bridge-nf-call-ip6tables 0

exec ip -batch -
