#!/bin/sh
# A host of the lab, as pid 1 of its own mount, UTS, IPC, PID and network namespaces: builds a root file system, pivots
# into it and execs sshd. Started by scripts/lab/host.ts, on the same disk again after a reboot.
#
#   host.sh NAME DISK AUTHORIZED_KEY
#
# Programs and settings come from the machine: /usr and /etc are overlays with the host's own upper layer. All other
# folders are the host's own, so the operator's files (/root, /home, /var, /tmp, the repository) are not visible here.
set -eu
name=$1 disk=$2 authorized_key=$3
root=$disk/root
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022

first_boot=false
[ -d "$root" ] || first_boot=true
mkdir -p "$root"
mount --bind "$root" "$root"
cd "$root"
mkdir -p proc sys dev run tmp

# --- programs and settings: overlays over the machine's folders -------------------------------------------------------
for tree in usr etc bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$tree" ]; then
    [ -L "$tree" ] || cp -P "/$tree" "$tree"
  elif [ -d "/$tree" ]; then
    mkdir -p "$tree" "$disk/$tree/upper" "$disk/$tree/work"
    mount -t overlay -o "lowerdir=/$tree,upperdir=$disk/$tree/upper,workdir=$disk/$tree/work" overlay "$tree"
  fi
done

# --- the host's own file systems --------------------------------------------------------------------------------------
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
mkdir -p run/sshd run/lock dev/net dev/pts dev/shm
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev/
cp -a /dev/net/tun dev/net/
chmod 1777 dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr

set_up_disk() {
  mkdir -p var/lib var/log var/cache var/spool var/tmp home root/.ssh
  ln -s /run var/run
  chmod 1777 var/tmp
  chmod 700 root root/.ssh
  # Remove what only the machine's root may read: keys, password hashes, Wi-Fi passwords.
  find etc -xdev ! -type l ! -perm -o=r -prune -exec rm -rf {} +
  rm -rf etc/ssh/sshd_config.d etc/wireguard
  # In addition to root, a user with passwordless sudo (if the machine has sudo).
  echo 'admin:x:20000:20000::/home/admin:/bin/sh' >>etc/passwd
  echo 'admin:x:20000:' >>etc/group
  printf 'root ALL=(ALL:ALL) ALL\nadmin ALL=(ALL:ALL) NOPASSWD: ALL\n' >etc/sudoers
  sed 's/^\([^:]*\):.*/\1:*:19000:0:99999:7:::/' etc/passwd >etc/shadow
  chmod 640 etc/shadow
  chmod 440 etc/sudoers
  mkdir -p etc/ssh
  mkdir -m 700 etc/wireguard
  echo "$name" >etc/hostname
  printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" >etc/hosts
  rm -f etc/resolv.conf
  : >etc/resolv.conf
  tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f etc/ssh/ssh_host_ed25519_key
  cat >etc/ssh/sshd_config <<'EOF'
# Debian's defaults, but keys only and no PAM (its session modules are the machine's).
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
EOF
  printf '%s\n' "$authorized_key" >root/.ssh/authorized_keys
  chmod 600 root/.ssh/authorized_keys
  mkdir home/admin
  cp -r root/.ssh home/admin/
  chown -R 20000:20000 home/admin
}
# If the first boot is interrupted, the disk is incomplete; it is then deleted with the lab.
if $first_boot; then set_up_disk; fi

# --- pivot to the new root --------------------------------------------------------------------------------------------
hostname "$name"
mkdir -p old
pivot_root . old
cd /
umount -l /old
rmdir /old
# An empty environment: /proc/1/environ must not show the machine's variables.
exec env -i PATH="$PATH" /usr/sbin/sshd -D -e
