/** The plan as JSON. Scripts rely on its form. */
import { hasErrors, type Issue } from "../../../mesh/config/issue";
import type { Mesh } from "../../../mesh/mesh";
import type { Link } from "../../../mesh/plan/links";
import { reachOf, type Reach } from "../../../mesh/plan/reach";
import { renderRedacted } from "../../../mesh/render/render";

interface PlanJson {
  /** No issue is an error. */
  ok: boolean;
  issues: Issue[];
  nodes: Record<string, NodeJson>;
  links: Link[];
  /** Each node's wg-quick(8) file with every secret as `(hidden)`. */
  configs: Record<string, string>;
  /** Every ordered pair that can communicate; only with --reach. */
  reach?: Reach[];
}

interface NodeJson {
  kind: "relay" | "peer";
  address: string;
  address6: string | null;
  publicKey: string;
}

/** Only the issues, where the config cannot be planned. */
export function planJson({ plan, issues }: Mesh, withReach: boolean): PlanJson {
  const nodes = plan?.nodes ?? [];
  return {
    ok: !hasErrors(issues),
    issues,
    nodes: Object.fromEntries(
      nodes.map(({ name, kind, address, address6, publicKey }) => [
        name,
        { kind, address: address.text, address6: address6?.text ?? null, publicKey },
      ]),
    ),
    links: plan?.links ?? [],
    configs:
      plan === null
        ? {}
        : Object.fromEntries(nodes.map((node) => [node.name, renderRedacted(node, plan.network)])),
    ...(withReach ? { reach: plan === null ? [] : reachOf(plan) } : {}),
  };
}
