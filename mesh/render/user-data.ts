/**
 * What an EC2 instance is told at its first boot: cloud-config (cloud-init's own YAML). A user to log in as, an sshd that
 * takes keys alone, security upgrades; all else comes by the push, as for any host. Whoever may read user data has the
 * host key in it, so it is good for the first contact only (mesh/ssh-identity.ts); no other secret is here.
 */
import { stringify } from "yaml";
import { architectureOf, EC2_USER, type Ec2Spec, type Image } from "../config/ec2";
import { Secret } from "../secret";
import { bootstrapKeyOf, publicKeyOfPrivate } from "../ssh-identity";
import type { Keyring } from "./render";

/**
 * The instance's logical name. Another image or generation is another instance, and begins with another host key; another
 * architecture too, for no instance can be changed to that in place (EC2, "Change the instance type": compatibility).
 */
export function instanceNameOf(relay: string, ec2: Ec2Spec): string {
  return `${relay}-${ec2.image}-${architectureOf(ec2.instanceType)}-${ec2.imageGeneration}`;
}

/** The same config gives the same text. Throws where the keyring lacks what the rules asked for. */
export function renderUserData(relay: string, ec2: Ec2Spec, keyring: Keyring): Secret {
  const { sshAuthoritySeed } = keyring;
  if (sshAuthoritySeed === null) throw new Error("no seed for the SSH authority");
  const hostKey = bootstrapKeyOf(sshAuthoritySeed, instanceNameOf(relay, ec2));
  const upgrades = UPGRADES[ec2.image];
  const config = {
    users: [login(authorizedKeysOf(ec2, keyring))],
    disable_root: true,
    ssh_pwauth: false,
    // All keys that the image may hold go; this one is taken away in its turn by the first push.
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
  if (own === null) throw new Error("no public key to log in with was validated");
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

/** sshd_config(5): the first value wins, and the distributions' own drop-ins begin with 50. */
const SSHD_DROP_IN = "/etc/ssh/sshd_config.d/10-wireguard-mesh.conf";

/** TCP forwarding stays on: peers are reached through the relay. */
const SSHD = `# wireguard-mesh
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthenticationMethods publickey
AllowUsers ${EC2_USER}
X11Forwarding no
AllowAgentForwarding no
`;

/** Debian and Ubuntu call it ssh, Amazon Linux sshd. It may have started before the drop-in was there. */
const RELOAD_SSHD =
  "systemctl try-reload-or-restart ssh 2>/dev/null || systemctl try-reload-or-restart sshd";

interface Upgrades {
  files: { path: string; content: string; append?: boolean }[];
  commands: string[];
}

/** The address comes a little after the instance, so a package is asked for again for five minutes. */
function install(program: string, command: string): string {
  return `for try in $(seq 30); do [ -e ${program} ] || ${command} && break; sleep 10; done`;
}

/** A security fix of the kernel works only after a reboot, which takes the relay away for half a minute, by night. */
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

/** Amazon Linux 2023 stays at the release of its image unless told to follow (user guide, "Deterministic upgrades"). */
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
