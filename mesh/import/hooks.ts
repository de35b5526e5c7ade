/** What becomes of the hooks of imported files. */
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

/** A push does not open a host's firewall. */
export function firewallNotes({ name, source }: ImportedNode): string[] {
  const rule = source?.file.hooks.find(({ effect }) => effect === "accept");
  if (rule === undefined || source === null || source.host === null) return [];
  return [
    `${name}: the rules of its ${rule.setting} that open its firewall are gone after its next boot. Where that drops by default, add them to the firewall itself; \`up\` and \`status\` say what it blocks`,
  ];
}
