# The SSH identity of an EC2 instance: a host key that it makes itself, and a certificate of the stack's authority for it. Each
# step is a login of its own; after an interruption, sshd still has the first key, the certificate or both.

# Not ssh_host_*: cloud-init deletes these if it detects a new instance.
HOST_KEY=/etc/ssh/wireguard_mesh_host_key
CERTIFICATE=$HOST_KEY-cert.pub
SSHD_DROP_IN=/etc/ssh/sshd_config.d/40-wireguard-mesh.conf

# First step, logged in by the host key of the user data. $1: node.
make_host_key() {
  if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/result.json ] && has cloud-init; then
    echo "progress: waiting until cloud-init has finished" >&2
    timeout 300 cloud-init status --wait </dev/null >/dev/null 2>&1 ||
      echo "note cloud-init did not finish without errors within 300 s: see cloud-init status --long"
  fi
  lock 25
  has sshd && has ssh-keygen || fail "the host has no sshd or ssh-keygen" "install OpenSSH there"
  if [ -z "$(host_key 2>/dev/null)" ]; then
    rm -f "$HOST_KEY.new" "$HOST_KEY.new.pub"
    words=$(ssh-keygen -q -t ed25519 -N '' -C "wireguard-mesh $1" -f "$HOST_KEY.new" </dev/null 2>&1) || cannot_write "$HOST_KEY" "$words"
    rm -f "$HOST_KEY.new.pub" && put "$HOST_KEY"
  fi
  echo "host-key $(host_key)"
}

# Second step, by the same key; afterwards sshd has both. $1: the certificate.
take_certificate() {
  lock 25
  words=$({ printf '%s\n' "$1" >"$CERTIFICATE.new"; } 2>&1) || cannot_write "$CERTIFICATE" "$words"
  [ "$(fingerprint "$CERTIFICATE.new")" = "$(fingerprint "$HOST_KEY")" ] || fail "the certificate is not for this machine's host key" "run up again"
  chmod 644 "$CERTIFICATE.new"
  put "$CERTIFICATE"
  # The other keys first: of two keys of one type, clients that do not ask for a certificate get the first.
  # shellcheck disable=SC2046 # paths without blanks
  serve $(other_keys)
  reload_sshd shows_certificate
  echo taken
}

# Third step, logged in by the certificate, which proves that it works: deletes every other key.
drop_other_keys() {
  lock 25
  others=$(other_keys)
  if [ -n "$others" ] || ! shows_own_key_only; then
    serve
    for key in $others; do rm -f "$key" "$key.pub" "$key-cert.pub"; done
    to_disk
    reload_sshd shows_own_key_only
  fi
  echo lasting
}
host_key() { ssh-keygen -y -P '' -f "$HOST_KEY" </dev/null | cut -d ' ' -f 1,2; }
fingerprint() { ssh-keygen -l -f "$1" </dev/null | cut -d ' ' -f 2; }
sshd_setting() { sshd -T 2>/dev/null | sed -n "s/^$1 //p"; }
other_keys() { { sshd_setting hostkey && ls /etc/ssh/ssh_host_*_key; } 2>/dev/null | grep -v -x -F "$HOST_KEY" | sort -u | while read -r key; do [ ! -f "$key" ] || echo "$key"; done; }
# Atomic, even in a power cut.
put() { { sync "$1.new" 2>/dev/null || sync; } && mv "$1.new" "$1" && { sync "${1%/*}" 2>/dev/null || sync; }; }
# $@: more host keys. A HostKey line disables sshd's defaults.
serve() {
  sshd -t -o "HostKey=$HOST_KEY" -o "HostCertificate=$CERTIFICATE" 2>/dev/null ||
    fail "sshd would not start with the new host key; it was not changed" "look on the host: sudo sshd -t"
  former=$(cat "$SSHD_DROP_IN" 2>/dev/null)
  words=$({ mkdir -p "${SSHD_DROP_IN%/*}" && {
    echo "# wireguard-mesh: the SSH identity of this machine (docs/push.md)"
    for key in "$@" "$HOST_KEY"; do echo "HostKey $key"; done
    echo "HostCertificate $CERTIFICATE"
  } >"$SSHD_DROP_IN.new"; } 2>&1) || cannot_write "$SSHD_DROP_IN" "$words"
  chmod 644 "$SSHD_DROP_IN.new"
  put "$SSHD_DROP_IN"
  if sshd -t 2>/dev/null && sshd_setting hostkey | grep -q -x -F "$HOST_KEY"; then return 0; fi
  if [ -n "$former" ]; then printf '%s\n' "$former" >"$SSHD_DROP_IN"; else rm -f "$SSHD_DROP_IN"; fi
  fail "sshd does not read ${SSHD_DROP_IN%/*}; it was not changed" "put \"Include ${SSHD_DROP_IN%/*}/*.conf\" at the head of /etc/ssh/sshd_config (OpenSSH 8.2 or newer)"
}
# Keeps open sessions. $1: a check that must succeed afterwards.
reload_sshd() {
  unit=sshd.service
  if with_systemd; then
    ! systemctl --quiet is-active ssh.service || unit=ssh.service
    without_lock timeout 20 systemctl reload "$unit" 2>/dev/null
    wait_until "$1" || without_lock timeout 30 systemctl restart "$unit" 2>/dev/null
  else
    kill -HUP "$(cat "$(sshd_setting pidfile)" 2>/dev/null)" 2>/dev/null
  fi
  wait_until "$1" || fail "sshd was given its new host key and does not show it" "see on the host: journalctl -u ssh -u sshd; then run up again"
}
wait_until() {
  local tries=100
  until "$1"; do [ "$((tries -= 1))" -gt 0 ] && pause 0.2 || return 1; done
}

# ssh-keyscan(1) is a separate package on some systems; without it, the next login is the check.
shows_certificate() { ! has ssh-keyscan || scan -c | grep -q -F "$(cut -d ' ' -f 2 "$CERTIFICATE")"; }
shows_own_key_only() { ! has ssh-keyscan || [ "$(scan | sed -n 's/^[^#][^ ]* //p')" = "$(host_key)" ]; }
scan() { ssh-keyscan "$@" -T 10 -p "$(sshd_setting port | head -n 1)" 127.0.0.1 2>/dev/null </dev/null; }
