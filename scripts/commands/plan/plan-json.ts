/** The plan as JSON. Scripts rely on its form. */
import { hasErrors, type Issue } from "../../../mesh/config/issue";
import type { Mesh } from "../../../mesh/mesh";
import type { Plan } from "../../../mesh/plan/plan";
import type { Link } from "../../../mesh/plan/links";
import { reachOf, type Reach } from "../../../mesh/plan/reach";
import { renderFilter } from "../../../mesh/render/filter";
import { renderRedacted } from "../../../mesh/render/render";

interface PlanJson {
  /** No issue is an error. */
  ok: boolean;
  issues: Issue[];
  nodes: Record<string, NodeJson>;
  links: Link[];
  /** Each node's wg-quick(8) file with every secret as `(hidden)`. */
  configs: Record<string, string>;
  /** The nftables table of each host that has one; absent if none has. */
  filters?: Record<string, string>;
  /** Every ordered pair of which the first may start something to the second; only with --reach. */
  reach?: Reach[];
}

interface NodeJson {
  kind: "relay" | "peer";
  address: string;
  address6: string | null;
  publicKey: string;
}

/** For a config that cannot be planned, only the issues. */
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
    ...(plan === null ? {} : filtersOf(plan)),
    ...(withReach ? { reach: plan === null ? [] : reachOf(plan) } : {}),
  };
}

function filtersOf({ nodes, network }: Plan): Pick<PlanJson, "filters"> {
  const filters = nodes.flatMap((node) => {
    const text = renderFilter(node, network);
    return text === null ? [] : [[node.name, text] as const];
  });
  return filters.length === 0 ? {} : { filters: Object.fromEntries(filters) };
}
