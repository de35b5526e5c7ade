# Pings through the tunnel, and room on the disk, for `doctor` and `ping`; mesh/doctor/probes.ts reads what it prints. POSIX sh,
# with ping of iputils or of busybox. Changes nothing.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL

# $1: an address. Prints the best of three round trips in ms.
latency() {
  { ping -n -q -c 3 -i 0.2 -W 2 "$1" || ping -n -q -c 3 -W 2 "$1"; } 2>/dev/null |
    awk '/min\/avg\/max/ { split($0, part, " = "); split(part[2], ms, "/"); print ms[1] }'
}
# $1: an address, $2: bytes, $3: tries, a second each.
answers() {
  tries=$3
  until ping -n -q -c 1 -W 1 -s "$2" "$1" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
  done
}
# $1: an address, $2: bytes of a larger ping, or 0; $3: seconds until it counts as lost.
probe() {
  best=
  if answers "$1" 56 "$3"; then best=$(latency "$1"); fi
  echo "ping $1 ${best:-lost}"
  [ -n "$best" ] && [ "$2" -gt 0 ] || return 0
  if answers "$1" "$2" 2; then
    echo "size $1 $2"
    return
  fi
  low=56 high=$2
  while [ $((high - low)) -gt 4 ]; do
    middle=$(((low + high) / 2))
    if answers "$1" "$middle" 2; then low=$middle; else high=$middle; fi
  done
  # What is lost at one size by chance, and not at the next smaller one, is no limit of the path.
  if answers "$1" "$2" 2; then low=$2; fi
  echo "size $1 $low"
}
disk() {
  df -P -k /etc /var /run 2>/dev/null | awk 'NR > 1 { print "disk", $6, $4 }'
  df -P -i /etc /var /run 2>/dev/null | awk 'NR > 1 { print "inodes", $6, $2, $4 }'
  for folder in /etc /etc/wireguard /var/lib /run; do
    [ ! -d "$folder" ] || [ -w "$folder" ] || echo "readonly $folder"
  done
}
