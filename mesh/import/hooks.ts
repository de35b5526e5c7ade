/** What becomes of the hooks of imported files, and what a machine does that its file does not say. */
import type { Problem } from "../wg-quick/file";
import type { ImportedNode } from "./nodes";

const EFFECTS = {
  forward: "switches on forwarding",
  masquerade: "translates addresses",
  accept: "opens the firewall",
};

/** What a push would do for a host, nobody does for another machine. */
export function hooksWithoutHost({ name, source }: ImportedNode): Problem[] {
  if (source === null || source.host !== null) return [];
  const { file } = source;
  return file.hooks.map(({ line, setting, effect }) => ({
    at: `${file.source}:${line}`,
    message: `${setting} ${EFFECTS[effect]}, which only a push to ${name} can take over`,
    remedy: `say how to log in there: --push ${name}=USER@ADDRESS`,
  }));
}

/** Address translation that is set up elsewhere than in its file, as by a unit of an installer's. */
export function exitWithoutHost({ name, source }: ImportedNode): Problem[] {
  if (source === null) {
    const remedy = "give its file too, or --host USER@ADDRESS";
    const message = "peers send everything through it, and there is no file of it";
    return [{ at: name, message, remedy }];
  }
  if (source.host !== null || source.file.hooks.length > 0) return [];
  const message = `peers send everything through ${name}, which has to translate addresses, and only a push can set that up`;
  const remedy = `say how to log in there: --push ${name}=USER@ADDRESS`;
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
