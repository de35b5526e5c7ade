/** Looks once more at a machine that was refused, for what it shows: ssh names a certificate only when it talks much. */
import type { SshHop } from "../../mesh/push-request";
import { endGroup, startGroup, type GroupWatcher } from "./children";
import { unprovenHop } from "./host-key-failure";
import { LOOK_MS } from "./limits";
import { lookCommand, writeFiles, type SshPlace } from "./ssh-options";

interface Watched extends SshPlace {
  watcher: GroupWatcher;
}

/** `talk`, what ssh said at each machine of the way, with more about the first one that lacks the right certificate. */
export async function lookCloser(
  talk: string[],
  chain: SshHop[],
  place: Watched,
): Promise<string[]> {
  const unproven = unprovenHop(chain, talk);
  if (unproven === null) return talk;
  const shown = await lookAt(chain.slice(0, unproven + 1), place);
  return talk.map((text, index) => (index === unproven ? text + shown : text));
}

/** What ssh says about the last machine of the chain. Nothing is sent to it, even if it should prove itself now. */
function lookAt(chain: SshHop[], place: Watched): Promise<string> {
  const command = lookCommand(chain, { ...place, way: `${place.way}-look` });
  writeFiles(command);
  const child = startGroup(["ssh", ...command.args, "exit"], {}, place.watcher);
  child.stdin.end();
  return new Promise((resolve) => {
    let talk = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (talk += text));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) endGroup(child.pid);
    }, LOOK_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve(talk);
    };
    child.on("close", done);
    child.on("error", done);
  });
}
