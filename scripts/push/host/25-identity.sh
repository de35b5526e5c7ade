# Who this machine is to SSH: a host key that it makes itself, and a certificate for it by the stack's authority. Until it
# has them, it is known by the key that its user data brought, which whoever may read user data has too.
# Three steps, each by a connection of its own. Cut anywhere, the machine boots with an sshd that starts, and shows the
# first key, the certificate or both: either one lets the next push begin again.
# shellcheck shell=sh disable=SC2154

# Not ssh_host_*: those names are cloud-init's, which deletes them at the first boot of what it takes for a new instance.
OWN_KEY=/etc/ssh/wireguard_mesh_host_key
CERTIFICATE=$OWN_KEY-cert.pub
SSHD_DROP_IN=/etc/ssh/sshd_config.d/40-wireguard-mesh.conf

# First step, by the first key. The private half never leaves this machine.
make_host_key() {
  await_first_boot
  lock
  for tool in sshd ssh-keygen; do has "$tool" || die "the host has no $tool" "install OpenSSH there"; done
  if ! ssh-keygen -y -P '' -f "$OWN_KEY" </dev/null >/dev/null 2>&1; then
    rm -f "$OWN_KEY.new" "$OWN_KEY.new.pub"
    ssh-keygen -q -t ed25519 -N '' -C "wireguard-mesh $node" -f "$OWN_KEY.new" </dev/null || no_room /etc/ssh
    rm "$OWN_KEY.new.pub"
    put "$OWN_KEY"
  fi
  tell "host-key $(public_half)"
}

# cloud-init may still restart sshd and hold apt's lock. It is done when it has written its result.
await_first_boot() {
  if [ ! -d /run/cloud-init ] || [ -e /run/cloud-init/result.json ] || ! has cloud-init; then return 0; fi
  say "progress: waits until cloud-init has done its part"
  bounded 300 cloud-init status --wait </dev/null >/dev/null 2>&1 ||
    tell "note cloud-init did not end well there, or not within 300 s: see cloud-init status --long"
}

public_half() { ssh-keygen -y -P '' -f "$OWN_KEY" </dev/null | cut -d ' ' -f 1,2; }

# Second step, by the first key: from now on sshd shows both. Which one is asked for, the other side decides.
take_certificate() {
  lock
  printf '%s\n' "$certificate" >"$CERTIFICATE.new" || no_room /etc/ssh
  [ "$(fingerprint_of "$CERTIFICATE.new")" = "$(fingerprint_of "$OWN_KEY")" ] ||
    die "the certificate is not for this machine's host key" "run up again"
  chmod 644 "$CERTIFICATE.new"
  put "$CERTIFICATE"
  # The others first: of two keys of one type, sshd shows the first one to those who ask for no certificate.
  # shellcheck disable=SC2046 # paths without blanks
  serve $(other_keys)
  reload_sshd shows_certificate
  tell "outcome taken"
}

# Third step, by the certificate, so it is known to work: nothing else opens or names this machine any more.
drop_other_keys() {
  lock
  others=$(other_keys)
  if [ -n "$others" ] || ! has ssh-keyscan || ! shows_own_key_only; then
    serve
    # shellcheck disable=SC2086 # paths without blanks
    for key in $others; do rm -f "$key" "$key.pub" "$key-cert.pub"; done
    keep_folder
    reload_sshd shows_own_key_only
  fi
  tell "outcome lasting"
}

fingerprint_of() { ssh-keygen -l -f "$1" </dev/null | cut -d ' ' -f 2; }

# What sshd shows now beside our own, and what lies where it would look by default.
other_keys() {
  { sshd_setting hostkey
    ls /etc/ssh/ssh_host_*_key 2>/dev/null || true; } | sort -u |
    while read -r key; do
      if [ "$key" != "$OWN_KEY" ] && [ -f "$key" ]; then tell "$key"; fi
    done
}

sshd_setting() { sshd -T 2>/dev/null | awk -v key="$1" '$1 == key { print $2 }'; }

# $@: keys to show beside our own. A HostKey line takes the defaults away, so that sshd shows what stands here and no more.
serve() {
  sshd -t -o "HostKey=$OWN_KEY" -o "HostCertificate=$CERTIFICATE" 2>/dev/null ||
    die "sshd there would not start with the new host key; it was not changed" "look on the host: sudo sshd -t"
  mkdir -p "${SSHD_DROP_IN%/*}"
  { tell "# wireguard-mesh: who this machine is to SSH (see the project's docs/push.md)"
    for key; do tell "HostKey $key"; done
    tell "HostKey $OWN_KEY"
    tell "HostCertificate $CERTIFICATE"; } >"$SSHD_DROP_IN.new" || no_room /etc/ssh
  chmod 644 "$SSHD_DROP_IN.new"
  former=$(cat "$SSHD_DROP_IN" 2>/dev/null || true)
  put "$SSHD_DROP_IN"
  if sshd -t 2>/dev/null && sshd_setting hostkey | grep -qxF "$OWN_KEY"; then return 0; fi
  if [ -n "$former" ]; then tell "$former" >"$SSHD_DROP_IN"; else rm -f "$SSHD_DROP_IN"; fi
  die "sshd there does not read ${SSHD_DROP_IN%/*}; it was not changed" \
    "have the line \"Include ${SSHD_DROP_IN%/*}/*.conf\" at the head of /etc/ssh/sshd_config there (OpenSSH 8.2 or newer)"
}

# Whole or not at all, also when the power goes: on the disk, then renamed into place, then that on the disk too.
put() {
  on_disk "$1.new"
  mv "$1.new" "$1" || no_room /etc/ssh
  keep_folder
}
keep_folder() { on_disk /etc/ssh "${SSHD_DROP_IN%/*}"; }

# Sessions live on in either case. $1: what must be seen of it from a new connection to itself.
reload_sshd() {
  if with_systemd; then
    unlocked systemctl reload "$(sshd_unit)" 2>/dev/null || true
    until_true 20 "$1" || unlocked systemctl restart "$(sshd_unit)" 2>/dev/null || true
  else
    kill -HUP "$(cat "$(sshd_setting pidfile)" 2>/dev/null)" 2>/dev/null || true
  fi
  until_true 20 "$1" || die "sshd there was told of its new host key and does not show it" \
    "see on the host: systemctl status ssh sshd; journalctl -u ssh -u sshd; then run up again"
}

sshd_unit() { if systemctl --quiet is-active ssh.service; then tell ssh.service; else tell sshd.service; fi; }

# ssh-keyscan(1) is another package on some systems; without it, sshd's own check must do.
shows_certificate() { if has ssh-keyscan; then scan -c | grep -qF "$(cut -d ' ' -f 2 "$CERTIFICATE")"; fi; }
shows_own_key_only() {
  if has ssh-keyscan; then [ "$(scan | awk '!/^#/ { print $2, $3 }')" = "$(public_half)" ]; fi
}

scan() {
  listens=$(sshd_setting listenaddress | sort | head -n 1)
  host=${listens%:*}
  case $host in 0.0.0.0) host=127.0.0.1 ;; '[::]') host=::1 ;; '['*) host=${host#?} host=${host%?} ;; esac
  ssh-keyscan "$@" -T 10 -p "${listens##*:}" "$host" 2>/dev/null </dev/null
}
