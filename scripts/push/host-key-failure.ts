/** Explains a refused host key or certificate: what was expected, and what the machine showed. */
import { createHash } from "node:crypto";
import type { SshAuthority, SshHop } from "../../mesh/push-request";
import type { Failure, Place } from "./ssh-failure";

/** OpenSSH 8 to 10 (sshconnect.c, kex.c). */
export const HOST_KEY_REFUSED = /Host key verification failed|no matching host key type found/;

/** Index of the first machine that was refused for its certificate. ssh's log does not say which one it showed. */
export function unprovenHop(chain: SshHop[], logTexts: string[]): number | null {
  const index = logTexts.findIndex((text) => HOST_KEY_REFUSED.test(text));
  const authority = chain[index]?.authority ?? null;
  return authority === null ? null : index;
}

export function hostKeyFailure(_match: RegExpExecArray, place: Place): Failure {
  const { authority } = place.hop;
  return authority === null ? otherKey(place) : notVouchedFor(place, authority);
}

function otherKey({ hop, next, text, login }: Place): Failure {
  const seen =
    /fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)/.exec(text);
  const offer = /Their offer: (\S+)/.exec(text);
  const got =
    seen === null
      ? `no key of that type, but ${offer?.[1] ?? "another"}`
      : `${seen[1] ?? ""} ${seen[2] ?? ""}`;
  const whose =
    next === null ? `hostKey of ${login.node}` : `hostKey of the relay at ${hop.address}`;
  return {
    kind: "host-key",
    cause: [
      `${hop.address} port ${hop.port} shows another SSH host key than the pinned one, so nothing was sent`,
      `    expected: ${hop.hostKeys.map(fingerprint).join(" or ")}`,
      `    got:      ${got}`,
    ].join("\n"),
    remedy:
      `Either it is another machine (or one in between), or it was installed anew. If it was, read its key on the machine ` +
      `itself (cat /etc/ssh/ssh_host_*_key.pub) and put that into the stack config as ${whose}${repin(hop)}`,
  };
}

function repin({ pinnedAt }: SshHop): string {
  if (pinnedAt === undefined) return ".";
  return `: npx pulumi config set --path 'wireguard-mesh:${pinnedAt}' "ssh-ed25519 AAAA…" (what stands there on the machine)`;
}

/** ssh at DEBUG2 logs `Server host certificate: TYPE SHA256:…, serial 0 ID "…" CA TYPE SHA256:… valid …`. */
function notVouchedFor(place: Place, authority: SshAuthority): Failure {
  const { hop, text } = place;
  const certificate = /Server host certificate: .* CA (\S+ SHA256:[A-Za-z0-9+/]+) valid/.exec(text);
  const names = [...text.matchAll(/Server host certificate hostname: (\S+)/g)].map(
    ([, name]) => name ?? "",
  );
  const plain = /Server host key: (\S+ SHA256:[A-Za-z0-9+/]+)/.exec(text);
  const own = fingerprint(authority.publicKey);
  const isOwn = certificate?.[1] === own || text.includes("name is not a listed principal");
  const { kind, got, remedy } = isOwn
    ? otherMachine(text, names)
    : certificate !== null
      ? otherAuthority(certificate[1] ?? "", names)
      : withoutCertificate(plain?.[1] ?? null);
  return {
    kind,
    cause: [
      `${hop.address} port ${hop.port} does not prove that it is ${instanceIn(authority.principal)}, so nothing was sent`,
      `    expected: a host certificate for ${authority.principal} by the stack's SSH authority, ${own}`,
      `    got:      ${got}`,
    ].join("\n"),
    remedy,
  };
}

interface Shown {
  kind: Failure["kind"];
  got: string;
  remedy: string;
}

/** Another machine of this stack, as when an address still leads to the replaced instance. */
function otherMachine(text: string, names: string[]): Shown {
  const invalid = /Certificate invalid: (?!name is not)(.*)/.exec(text);
  return {
    kind: "other-machine",
    got: `one by this authority for ${named(names)}${invalid === null ? "" : ` (${invalid[1] ?? ""})`}`,
    remedy:
      "The address leads to another machine of this stack. After a replacement that may take a moment to change: " +
      "run `npx wireguard-mesh up` again.",
  };
}

function otherAuthority(authority: string, names: string[]): Shown {
  return {
    kind: "host-key",
    got: `one for ${named(names)} by another authority, ${authority}`,
    remedy:
      "Either it is another machine (or one in between), or wireguard-mesh:sshAuthoritySeed is not what it was when the " +
      `instance was made: put the former one back, or ${REPLACE}`,
  };
}

function withoutCertificate(key: string | null): Shown {
  return {
    kind: "host-key",
    got: key === null ? "no certificate" : `no certificate, but the plain key ${key}`,
    remedy: `Either it is another machine (or one in between), or its SSH host keys were made anew: then ${REPLACE}`,
  };
}

const REPLACE =
  "have the instance replaced, by a higher imageGeneration under ec2 of that relay (its address and WireGuard key stay).";

function named(names: string[]): string {
  return names.length === 0 ? "no name" : names.join(", ");
}

function instanceIn(principal: string): string {
  return principal.replace(/^wireguard-mesh-/, "");
}

/** `TYPE SHA256:…`, as ssh-keygen -l prints it. */
function fingerprint(hostKey: string): string {
  const [type = "", blob = ""] = hostKey.split(" ");
  const digest = createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64");
  return `${type} SHA256:${digest.replace(/=+$/, "")}`;
}
