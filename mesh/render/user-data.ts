/**
 * User data of an EC2 instance, as cloud-config (cloud-init's YAML): a user to log in as, an sshd that accepts keys only,
 * and security upgrades. Everything else is pushed, as to any host. User data is not confidential, so its host key is
 * valid only for the first login (mesh/ssh-identity.ts), and it contains no other secret.
 */
import { stringify } from "yaml";
import { architectureOf, EC2_USER, type Ec2Spec, type Image } from "../config/ec2";
import { Secret } from "../secret";
import { bootstrapKeyOf, publicKeyOfPrivate } from "../ssh-identity";
import type { Keyring } from "./render";

/**
 * The instance's logical name. It contains everything that requires a new instance: image, generation, and architecture,
 * which cannot be changed in place (EC2, "Change the instance type": compatibility).
 */
export function instanceNameOf(relay: string, ec2: Ec2Spec): string {
  return `${relay}-${ec2.image}-${architectureOf(ec2.instanceType)}-${ec2.imageGeneration}`;
}

/** The user data text; the same config gives the same text. Throws if the keyring lacks a key that it requires. */
export function renderUserData(relay: string, ec2: Ec2Spec, keyring: Keyring): Secret {
  const { sshAuthoritySeed } = keyring;
  if (sshAuthoritySeed === null) throw new Error("no seed for the SSH authority");
  const hostKey = bootstrapKeyOf(sshAuthoritySeed, instanceNameOf(relay, ec2));
  const upgrades = UPGRADES[ec2.image];
  const config = {
    users: [login(authorizedKeysOf(ec2, keyring))],
    disable_root: true,
    ssh_pwauth: false,
    // Deletes host keys that the image may contain; the first push replaces this one.
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: hostKey.privateKey.reveal(), ed25519_public: hostKey.publicKey },
    write_files: [{ path: SSHD_DROP_IN, content: SSHD }, ...upgrades.files],
    runcmd: [RELOAD_SSHD, ...upgrades.commands],
  };
  return Secret.of(`#cloud-config\n${stringify(config, { lineWidth: 0 })}`);
}

function authorizedKeysOf({ authorizedKeys }: Ec2Spec, { sshPrivateKey }: Keyring): string[] {
  if (authorizedKeys !== null) return authorizedKeys;
  const own = sshPrivateKey === null ? null : publicKeyOfPrivate(sshPrivateKey);
  if (own === null) throw new Error("authorizedKeys was not validated");
  return [own];
}

function login(keys: string[]) {
  return {
    name: EC2_USER,
    shell: "/bin/bash",
    sudo: "ALL=(ALL) NOPASSWD:ALL",
    lock_passwd: true,
    ssh_authorized_keys: keys,
  };
}

/** In sshd_config(5) the first value wins, and the drop-ins of the distributions begin with 50. */
const SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-wireguard-mesh.conf";

/** TCP forwarding stays on, because the relay is a jump host for peers. */
const SSHD = `# wireguard-mesh
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthenticationMethods publickey
AllowUsers ${EC2_USER}
X11Forwarding no
AllowAgentForwarding no
`;

/** The unit is ssh on Debian and Ubuntu, sshd on Amazon Linux. It may have started before the drop-in was written. */
const RELOAD_SSHD =
  "systemctl try-reload-or-restart ssh 2>/dev/null || systemctl try-reload-or-restart sshd";

interface Upgrades {
  files: { path: string; content: string; append?: boolean }[];
  commands: string[];
}

/** Retries for five minutes: an instance that has no public address of its own waits for the Elastic IP. */
function install(program: string, command: string): string {
  return `for try in $(seq 30); do [ -e ${program} ] || ${command} && break; sleep 10; done`;
}

/** Reboots at night if needed: a kernel upgrade takes effect only after a reboot, about half a minute of downtime. */
const APT: Upgrades = {
  files: [
    {
      path: "/etc/apt/apt.conf.d/60-wireguard-mesh",
      content: `// wireguard-mesh: security upgrades by themselves, with a reboot where one is needed.
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "03:30";
`,
    },
  ],
  commands: [
    install(
      "/usr/bin/unattended-upgrade",
      "{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 install unattended-upgrades; }",
    ),
  ],
};

/** Amazon Linux 2023 stays at the release of its image unless releasever says otherwise (user guide, "Deterministic upgrades"). */
const DNF: Upgrades = {
  files: [
    { path: "/etc/dnf/vars/releasever", content: "latest\n" },
    {
      path: "/etc/systemd/system/dnf-automatic-install.timer.d/wireguard-mesh.conf",
      content: "[Timer]\nOnCalendar=\nOnCalendar=*-*-* 03:30\n",
    },
  ],
  commands: [
    install("/usr/bin/dnf-automatic", "dnf -q -y install dnf-automatic"),
    "sed -i 's/^upgrade_type *=.*/upgrade_type = security/' /etc/dnf/automatic.conf",
    "systemctl enable --now dnf-automatic-install.timer",
  ],
};

const UPGRADES: Record<Image, Upgrades> = {
  "debian-12": APT,
  "ubuntu-24.04": APT,
  "amazon-linux-2023": DNF,
};
