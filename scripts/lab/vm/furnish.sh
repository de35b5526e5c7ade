#!/bin/sh
# The last hand on a virtual machine's tree, before it becomes a disk image. Run by mmdebstrap as a customize hook, which
# sets MMDEBSTRAP_APT_CONFIG; OFFERED are the packages that the machine's apt will find.
#
#   furnish.sh ROOT
set -eu
root=$1

# --- a repository on the machine's own disk, in place of the one that the image was made from: the lab has no way out ---
repository=$root/srv/debian
mkdir -p "$repository"
(
  cd "$repository"
  export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
  for package in $OFFERED; do
    # The index says which file it means; the version that apt-get would take comes first.
    apt-cache show --no-all-versions "$package" >>Packages
    file=$(awk '$1 == "Filename:" { name = $2 } END { print name }' Packages)
    mkdir -p "${file%/*}"
    (cd "${file%/*}" && apt-get -qq download "$package" && mv -- *.deb "${file##*/}.new" && mv "${file##*/}.new" "${file##*/}")
  done
)
chmod -R a+rX "$root/srv"
rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
# Trusted unsigned: it is as safe as the disk that it lies on.
echo 'deb [trusted=yes] file:/srv/debian ./' >"$root/etc/apt/sources.list.d/lab.list"

# --- what mmdebstrap and the packages brought along from the machine that built it --------------------------------------
rm -f "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"

# --- first boot ---------------------------------------------------------------------------------------------------------
cat >"$root/etc/cloud/cloud.cfg.d/90-lab.cfg" <<'EOF'
datasource_list: [NoCloud, None]
# As Debian's own images have it; cloud-init's default would generate en_US, which takes minutes in an emulated machine.
locale: C.UTF-8
EOF
# Checks of LVM snapshots, of which there are none: 20 s of an emulated boot.
ln -sf /dev/null "$root/etc/systemd/system/e2scrub_reap.service"
ln -sf /dev/null "$root/etc/systemd/system/e2scrub_all.timer"

# --- a small initrd: the disk's two drivers and nothing else; it is unpacked at each boot ---------------------------------
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/lab"
printf 'virtio_pci\nvirtio_blk\n' >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u
