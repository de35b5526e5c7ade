/** Problems and notes about the hooks of imported files, and about machines that must translate addresses. */
import type { Problem } from "../wg-quick/file";
import type { ImportedNode } from "./nodes";

const EFFECTS = {
  forward: "switches on forwarding",
  masquerade: "translates addresses",
  accept: "opens the firewall",
};

/** A push does for a host what the hooks did; a machine without a host would lose them. */
export function hooksWithoutHost({ name, source }: ImportedNode): Problem[] {
  if (source === null || source.host !== null) return [];
  const { file } = source;
  return file.hooks.map(({ line, setting, effect }) => ({
    at: `${file.source}:${line}`,
    message: `${setting} ${EFFECTS[effect]}, which only a push to ${name} can take over`,
    remedy: `tell import how to log in there: --push ${name}=USER@ADDRESS`,
  }));
}

/** Address translation that is not in the machine's file, e.g. in a systemd unit that an installer wrote. */
export function exitWithoutHost({ name, source }: ImportedNode): Problem[] {
  if (source === null) {
    const remedy = "import its file too, or use --host USER@ADDRESS";
    const message = "peers send everything through it, but its file is missing";
    return [{ at: name, message, remedy }];
  }
  if (source.host !== null || source.file.hooks.length > 0) return [];
  const message = `peers send everything through ${name}, which has to translate addresses, and only a push can set that up`;
  const remedy = `tell import how to log in there: --push ${name}=USER@ADDRESS`;
  return [{ at: source.file.source, message, remedy }];
}

/** A push does not open a host's firewall. */
export function firewallNotes({ name, source }: ImportedNode): string[] {
  const rule = source?.file.hooks.find(({ effect }) => effect === "accept");
  if (rule === undefined || source === null || source.host === null) return [];
  return [
    `${name}: the rules of its ${rule.setting} that open its firewall are gone after its next boot. Where that drops by default, add them to the firewall itself; \`up\` and \`status\` say what it blocks`,
  ];
}
