# Pings through the tunnel, and room on the disk, for `doctor` and `ping`; mesh/doctor/probes.ts reads what it prints. POSIX sh,
# with ping of iputils or of busybox. Changes nothing.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL

# $1: an address. Prints the best of three round trips in ms.
latency() {
  { ping -n -q -c 3 -i 0.2 -W 2 "$1" || ping -n -q -c 3 -W 2 "$1"; } 2>/dev/null |
    awk '/min\/avg\/max/ { split($0, part, " = "); split(part[2], ms, "/"); print ms[1] }'
}
# $1: an address, $2: bytes, $3: tries, a second each. Sets best to the round trip in ms.
answers() {
  tries=$3
  until reply=$(ping -n -q -c 1 -W 1 -s "$2" "$1" 2>/dev/null); do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
  done
  # min/avg/max = 0.4/0.4/0.4 ms
  best=${reply##* = }
  best=${best%%/*}
  case $best in '' | *[!0-9.]*) best=0 ;; esac
}
# $1: an address, $2: bytes of a larger ping, or 0; $3: seconds until it counts as lost; $4: 3 for the best of three round trips.
probe() {
  # The larger one alone shows both.
  if [ "$2" -gt 0 ] && answers "$1" "$2" 1; then
    printf 'ping %s %s\nsize %s %s\n' "$1" "$best" "$1" "$2"
    return
  fi
  if ! answers "$1" 56 "$3"; then
    echo "ping $1 lost"
    return
  fi
  [ "$4" -eq 1 ] || best=$(latency "$1")
  echo "ping $1 ${best:-lost}"
  [ "$2" -gt 0 ] || return 0
  if answers "$1" "$2" 2; then
    echo "size $1 $2"
    return
  fi
  low=56 high=$2
  while [ $((high - low)) -gt 4 ]; do
    middle=$(((low + high) / 2))
    if answers "$1" "$middle" 2; then low=$middle; else high=$middle; fi
  done
  # Tries the full size once more: its first loss may have been chance.
  if answers "$1" "$2" 2; then low=$2; fi
  echo "size $1 $low"
}
disk() {
  # Columns: file system, size, used, free, percentage, place. The reader skips their names.
  df -P -k /etc /var /run 2>/dev/null | while read -r _ _ _ free _ place; do echo "disk $place $free"; done
  df -P -i /etc /var /run 2>/dev/null | while read -r _ all _ free _ place; do echo "inodes $place $all $free"; done
  for folder in /etc /etc/wireguard /var/lib /run; do
    [ ! -d "$folder" ] || [ -w "$folder" ] || echo "readonly $folder"
  done
}
