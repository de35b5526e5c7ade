/** A machine that does not show who it is, in words: what was expected, and what it showed. */
import { createHash } from "node:crypto";
import type { Failure, Place } from "./ssh-failure";

export function hostKeyFailure(_match: RegExpExecArray, { hop, next, text, vain }: Place): Failure {
  const seen =
    /fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)/.exec(text);
  const offer = /Their offer: (\S+)/.exec(text);
  const got =
    seen === null
      ? `no key of that type, but ${offer?.[1] ?? "another"}`
      : `${seen[1] ?? ""} ${seen[2] ?? ""}`;
  const whose =
    next === null ? `hostKey of ${vain.node}` : `hostKey of the relay at ${hop.address}`;
  return {
    kind: "host-key",
    cause: [
      `${hop.address} port ${hop.port} shows another SSH host key than the pinned one, so nothing was sent`,
      `    expected: ${hop.hostKeys.map(fingerprint).join(" or ")}`,
      `    got:      ${got}`,
    ].join("\n"),
    remedy:
      `Either it is another machine (or one in between), or it was installed anew. If it was, read its key on the machine ` +
      `itself (cat /etc/ssh/ssh_host_*_key.pub) and put that into the stack config as ${whose}.`,
  };
}

/** `TYPE SHA256:…`, as ssh-keygen -l prints it. */
function fingerprint(hostKey: string): string {
  const [type = "", blob = ""] = hostKey.split(" ");
  const digest = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64");
  return `${type} SHA256:${digest.replace(/=+$/, "")}`;
}
