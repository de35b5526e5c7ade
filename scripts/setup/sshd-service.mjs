// Installs openssh-server without starting it. The lab runs sshd inside its own hosts, but Debian's package starts a
// server on this machine, at once and at every boot.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isAvailable } from "./find-program.mjs";
import { onInterrupt } from "./interrupts.mjs";
import { log } from "./progress.mjs";

/** Run by invoke-rc.d(8) and deb-systemd-invoke(1) before they start a service; exit code 101 forbids the start. */
const POLICY = "/usr/sbin/policy-rc.d";
const MARK = "written by the set-up of wireguard-mesh";
const FORBID = `#!/bin/sh
# ${MARK} while it installs openssh-server, and removed afterwards.
exit 101
`;

/**
 * Runs an installation that includes openssh-server; the service is neither started nor enabled.
 * @template T
 * @param {() => Promise<T>} install
 * @returns {Promise<T>}
 */
export async function withoutStartingSshd(install) {
  const allowStarts = await forbidStarts();
  try {
    return await install();
  } finally {
    allowStarts();
    await disableAtBoot();
  }
}

/** @returns {Promise<() => void>} undoes it */
async function forbidStarts() {
  if (existsSync(POLICY) && !readFileSync(POLICY, "utf8").includes(MARK)) {
    await checkExistingPolicy();
    return () => undefined;
  }
  writeFileSync(POLICY, FORBID, { mode: 0o755 });
  const remove = () => rmSync(POLICY, { force: true });
  const unregister = onInterrupt(remove);
  return () => {
    unregister();
    remove();
  };
}

/** Never replaces an administrator's policy: fails unless that policy forbids the start too. */
async function checkExistingPolicy() {
  const script = `${POLICY} ssh start; test $? -eq 101`;
  const outcome = await run("/bin/sh", ["-c", script], { seconds: 10 });
  if (outcome.ok) return;
  throw new SetupError(
    "The lab needs openssh-server, which is not installed. Installing it would start an SSH server\n" +
      `on this machine, because ${POLICY} allows it.\n` +
      "  To install it and stop the server:\n" +
      "  apt-get install openssh-server && systemctl disable --now ssh",
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
  if (isAvailable("sshd"))
    log("installed openssh-server for the lab; the SSH service was neither started nor enabled");
}
