#!/bin/sh
# Customizes a virtual machine's root file system before it becomes a disk image. Run by mmdebstrap as a customize hook,
# which sets MMDEBSTRAP_APT_CONFIG. OFFERED: the packages that apt can install on the machine.
#
#   customize.sh ROOT
set -eu
root=$1

# --- a repository on the machine's own disk replaces the original sources: the lab has no internet access ---------------
repository=$root/srv/debian
mkdir -p "$repository"
(
  cd "$repository"
  export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
  for package in $OFFERED; do
    # The file name must match the index; the first entry is the version that apt-get downloads.
    apt-cache show --no-all-versions "$package" >>Packages
    file=$(awk '$1 == "Filename:" { name = $2 } END { print name }' Packages)
    mkdir -p "${file%/*}"
    (cd "${file%/*}" && apt-get -qq download "$package" && mv -- *.deb "${file##*/}.new" && mv "${file##*/}.new" "${file##*/}")
  done
)
chmod -R a+rX "$root/srv"
rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
# No signature is needed: the repository is on the machine's own disk.
echo 'deb [trusted=yes] file:/srv/debian ./' >"$root/etc/apt/sources.list.d/lab.list"

# --- remove what mmdebstrap and the packages copied from the build machine ----------------------------------------------
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"

# --- first boot ---------------------------------------------------------------------------------------------------------
cat >"$root/etc/cloud/cloud.cfg.d/90-lab.cfg" <<'EOF'
datasource_list: [NoCloud, None]
# As in Debian's own images; cloud-init's default generates en_US, which takes minutes on an emulated machine.
locale: C.UTF-8
# Debian's lists without the modules of other clouds, distributions and configuration managers: an emulated machine takes
# seconds to load them, to find that they have nothing to do.
cloud_init_modules: [migrator, seed_random, bootcmd, write-files, growpart, resizefs, set_hostname, update_hostname,
  update_etc_hosts, ca-certs, users-groups, ssh]
cloud_config_modules: [locale, set-passwords, apt-configure, disable-ec2-metadata, runcmd]
cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-vendor, scripts-per-once,
  scripts-per-boot, scripts-per-instance, scripts-user, ssh-authkey-fingerprints, keys-to-console, final-message]
EOF

# --- a first boot without cloud-init: the kernel argument lab.script runs the user data, a script, before the network ------
cat >"$root/etc/systemd/system/user-data-script.service" <<'EOF'
[Unit]
ConditionKernelCommandLine=lab.script
ConditionPathExists=!/var/lib/user-data-script
DefaultDependencies=no
After=systemd-remount-fs.service systemd-udevd.service systemd-sysusers.service systemd-tmpfiles-setup.service
Before=systemd-networkd.service ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh -ec 'mount -o ro /dev/vdb1 /mnt; sh -eu /mnt/user-data; umount /mnt; touch /var/lib/user-data-script'
[Install]
WantedBy=multi-user.target
EOF
systemctl --root="$root" enable user-data-script.service

# --- units that pushes, WireGuard, SSH and cloud-init do not need: half of an emulated boot -----------------------------
for unit in e2scrub_reap.service e2scrub_all.timer unattended-upgrades.service apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer fstrim.timer systemd-timesyncd.service systemd-binfmt.service systemd-pstore.service \
  getty.target dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
  kmod-static-nodes.service modprobe@configfs.service modprobe@drm.service modprobe@fuse.service \
  modprobe@efi_pstore.service modprobe@dm_mod.service modprobe@loop.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# --- a small initrd with the disk's two drivers only, because it is unpacked at each boot -------------------------------
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/lab"
printf 'virtio_pci\nvirtio_blk\n' >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u
