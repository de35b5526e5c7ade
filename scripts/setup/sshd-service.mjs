// The lab runs sshd itself, inside its own hosts. Installing openssh-server for it must not open this machine to the network:
// Debian's package starts the server at once and at every boot, so both are prevented while it is installed.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isAvailable } from "./find-program.mjs";
import { onInterrupt } from "./interrupts.mjs";
import { log } from "./progress.mjs";

/** invoke-rc.d(8) and deb-systemd-invoke(1) ask it before they start a service; exit code 101 forbids. */
const POLICY = "/usr/sbin/policy-rc.d";
const MARK = "written by the set-up of wireguard-mesh";
const FORBID = `#!/bin/sh
# ${MARK} while it installs openssh-server; it removes it right after.
exit 101
`;

/**
 * @template T
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
export async function withoutStartingSshd(install) {
  const lift = await forbidStarts();
  try {
    return await install();
  } finally {
    lift();
    await disableAtBoot();
  }
}

async function forbidStarts() {
  if (existsSync(POLICY) && !readFileSync(POLICY, "utf8").includes(MARK)) {
    await checkForeignPolicy();
    return () => undefined;
  }
  writeFileSync(POLICY, FORBID, { mode: 0o755 });
  const remove = () => rmSync(POLICY, { force: true });
  const forget = onInterrupt(remove);
  return () => {
    forget();
    remove();
  };
}

/** The administrator's own policy stays as it is: either it forbids the start anyway, or we do not install. */
async function checkForeignPolicy() {
  const outcome = await run("/bin/sh", ["-c", `${POLICY} ssh start; test $? -eq 101`], {
    seconds: 10,
  });
  if (outcome.ok) return;
  throw new SetupError(
    `openssh-server is needed for the lab's hosts and is not installed. Installing it would start an SSH server on this machine, since ${POLICY} allows it.\n` +
      "  If that is all right, or to stop it afterwards: apt-get install openssh-server && systemctl disable --now ssh",
  );
}

async function disableAtBoot() {
  const commands = isAvailable("systemctl")
    ? [
        ["systemctl", "disable", "ssh.service"],
        ["systemctl", "disable", "ssh.socket"],
      ]
    : [["update-rc.d", "ssh", "disable"]];
  for (const [command, ...args] of commands)
    await run(/** @type {string} */ (command), args, { seconds: 60 });
  log(
    "openssh-server is installed for the lab only: no SSH server of this machine was started or enabled",
  );
}
