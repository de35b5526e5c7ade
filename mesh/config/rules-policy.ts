/** Rules about `policy`: its selectors exist, and every relay has a host, because relays enforce it. */
import { overlaps, parsePrefix, type Prefix } from "../addresses";
import { tunnelPrefixes, type PolicyRule, type Subnet } from "./config";
import { hostsOf, tunnelsOf, type Draft } from "./draft";
import { error, type Issue } from "./issue";
import { mergePorts } from "./ports";
import { ownPrefixIssue } from "./rules-mapped-lans";
import { nearest } from "./shape-issues";

export function policyIssues(draft: Draft): Issue[] {
  if (draft.policy === undefined) return [];
  const known = selectorsOf(draft);
  const unknown = draft.policy.flatMap((rule, index) =>
    (["from", "to"] as const).flatMap((side) =>
      (rule[side] ?? []).flatMap((selector, at) =>
        unknownSelector(`policy[${index}].${side}[${at}]`, selector, known),
      ),
    ),
  );
  return [...unknown, ...relaysWithoutHost(draft)];
}

/** Null without a policy. */
export function policyOf({ policy }: Draft): PolicyRule[] | null {
  if (policy === undefined) return null;
  return policy.map(({ from = [], to = [], ports }) => ({
    from: [...new Set(from)],
    to: [...new Set(to)],
    ports: ports === undefined ? null : mergePorts(ports),
  }));
}

/** Everything that a policy may name, including disabled nodes. */
interface Known {
  names: string[];
  tags: string[];
  lans: Subnet[];
  tunnels: Prefix[];
}

function selectorsOf(draft: Draft): Known {
  const { nodes } = draft;
  return {
    names: nodes.map(({ name }) => name),
    tags: [...new Set(nodes.flatMap(({ fields }) => fields.tags ?? []))].sort(),
    lans: nodes.flatMap(({ fields }) => fields.subnets ?? []),
    tunnels: tunnelPrefixes(tunnelsOf(draft)),
  };
}

function unknownSelector(path: string, selector: string, known: Known): Issue[] {
  const { names, tags, lans } = known;
  if (selector === "*") return [];
  if (selector.startsWith("tag:")) {
    const all = tags.map((tag) => `tag:${tag}`);
    if (all.includes(selector)) return [];
    const message = `no node has the tag ${selector.slice(4)}`;
    return [
      error(
        path,
        message,
        suggestion(selector, all, `give it to a node, or take ${selector} out of the rule`),
      ),
    ];
  }
  if (selector.includes("/")) {
    if (lans.some(({ text }) => text === selector)) return [];
    return [ownPrefixIssue(path, selector, lans) ?? unknownLan(path, selector, known)];
  }
  if (names.includes(selector)) return [];
  if (tags.includes(selector))
    return [error(path, `${selector} is a tag, not a node`, `write tag:${selector}`)];
  const remedy = suggestion(selector, names, "known: " + names.join(", "));
  return [error(path, `${selector} is not a node`, remedy)];
}

function unknownLan(path: string, selector: string, { lans, tunnels }: Known): Issue {
  const prefix = parsePrefix(selector);
  if (tunnels.some((tunnel) => overlaps(tunnel, prefix))) {
    const remedy = "name the nodes, one of their tags, or *";
    return error(path, `${selector} are tunnel addresses`, remedy);
  }
  const around = lans.find((lan) => overlaps(lan, prefix));
  if (around !== undefined) {
    const message = `${selector} overlaps the LAN ${around.text}`;
    return error(path, message, `write ${around.text}: a rule is about a whole LAN`);
  }
  const near = nearest(
    selector,
    lans.map(({ text }) => text),
  );
  const remedy = "list it under a node's subnets";
  const message = `${selector} is not a LAN behind a node`;
  return error(
    path,
    message,
    near === undefined ? remedy : `did you mean ${near}? Otherwise ${remedy}`,
  );
}

function suggestion(word: string, known: readonly string[], otherwise: string): string {
  const near = nearest(word, known);
  return near === undefined ? otherwise : `did you mean ${near}?`;
}

/** A relay is where a policy is enforced, and only a relay that is pushed to can do it. */
function relaysWithoutHost({ nodes }: Draft): Issue[] {
  return nodes
    .filter((node) => node.kind === "relay" && node.active && hostsOf(node).length === 0)
    .map(({ path }) =>
      error(
        `${path}.host`,
        "is missing: with a policy, a relay is pushed to, because it drops what the policy does not allow",
        "add host and hostKey, or remove policy",
      ),
    );
}
