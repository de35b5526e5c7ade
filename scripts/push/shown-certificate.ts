/** Connects once more to a host that was refused, because ssh logs the certificate only at DEBUG2. */
import * as fs from "node:fs";
import type { SshHop } from "../../mesh/push-request";
import { endGroup, startGroup, type GroupWatcher } from "./children";
import { sshEnvironment } from "./environment";
import { unprovenHop } from "./host-key-failure";
import { SSH_QUERY_MS, MESSAGES_CAP } from "./limits";
import { logSize, readLog } from "./ssh-log";
import { debugCommand, writeFiles, type SshPlace } from "./ssh-options";

interface Watched extends SshPlace {
  watcher: GroupWatcher;
}

/** `logTexts` (one per hop) with more detail on the first host whose certificate was refused. */
export async function withShownCertificate(
  logTexts: string[],
  chain: SshHop[],
  place: Watched,
): Promise<string[]> {
  const unproven = unprovenHop(chain, logTexts);
  if (unproven === null) return logTexts;
  const shown = await logOfShown(chain.slice(0, unproven + 1), place);
  return logTexts.map((text, index) => (index === unproven ? text + shown : text));
}

/** ssh's log of a connection to the last machine of the chain. Nothing but `exit` is sent. */
async function logOfShown(chain: SshHop[], place: Watched): Promise<string> {
  const command = debugCommand(chain, { ...place, way: `${place.way}-look` });
  writeFiles(command);
  const log = command.logs.at(-1) ?? "";
  fs.rmSync(log, { force: true });
  const child = startGroup(["ssh", ...command.args, "exit"], sshEnvironment(), place.watcher);
  child.stdin.end();
  child.stdout.resume();
  child.stderr.resume();
  await new Promise<void>((resolve) => {
    const until = performance.now() + SSH_QUERY_MS;
    const timer = setInterval(() => {
      // A refused host may send without end.
      const isEnough = logSize(log) > MESSAGES_CAP || performance.now() > until;
      if (isEnough && child.pid !== undefined) endGroup(child.pid);
    }, 100);
    const done = (): void => {
      clearInterval(timer);
      resolve();
    };
    child.on("exit", done);
    child.on("error", done);
  });
  return readLog(log);
}
