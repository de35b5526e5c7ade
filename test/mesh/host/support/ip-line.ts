/** One line of `ip -batch` (ip(8)), for a model host. */
import {
  addAddress,
  addRoute,
  deleteAddress,
  deleteRoute,
  KernelError,
  linkOf,
  newRoute,
  setUp,
  type Host,
  type Route,
} from "./host";

export function ipLine(host: Host, line: string, family: 4 | 6): void {
  const [object, verb, ...words] = line.split(" ");
  const [first = ""] = words;
  const after = (word: string) => words[words.indexOf(word) + 1] ?? "";
  const has = (word: string) => words.includes(word);
  switch (`${object} ${verb}`) {
    case "link set": {
      const link = linkOf(host, after("dev"));
      if (has("mtu")) link.mtu = Number(after("mtu"));
      if (has("up") || has("down")) setUp(host, after("dev"), has("up"));
      return;
    }
    case "address replace": {
      addAddress(host, after("dev"), first);
      return;
    }
    case "address del": {
      deleteAddress(host, after("dev"), first);
      return;
    }
    case "route add":
    case "route replace": {
      addRoute(
        host,
        newRoute(first, { scope: scopeOf(first, has("via")), ...routeFields(words) }),
        verb === "add" ? "add" : "replace",
      );
      return;
    }
    case "route del": {
      deleteRoute(host, first, routeFields(words));
      return;
    }
    case "rule add":
    case "rule del": {
      const rule = {
        family,
        priority: Number(after("priority")),
        table: after("table"),
        not: has("fwmark") ? after("fwmark") : null,
        suppress: has("suppress_prefixlength"),
      };
      const at = host.rules.findIndex((other) => JSON.stringify(other) === JSON.stringify(rule));
      if (verb === "add" && at >= 0) throw new KernelError("RTNETLINK answers: File exists", true);
      if (verb === "del" && at < 0) throw new KernelError("RTNETLINK answers: No such file", true);
      if (verb === "add") host.rules.push(rule);
      else host.rules.splice(at, 1);
      return;
    }
    default:
      throw new Error(`unknown line for ip: ${line}`);
  }
}

/** ip's default: IPv4 routes without a gateway are of scope link. */
function scopeOf(prefix: string, hasGateway: boolean): string | null {
  return prefix.includes(":") || hasGateway ? null : "link";
}

function routeFields(words: readonly string[]): Partial<Route> {
  const fields: Partial<Route> = {};
  for (let at = 1; at < words.length; at += 2) {
    const value = words[at + 1] ?? "";
    if (words[at] === "metric") fields.metric = Number(value);
    else fields[words[at] as "dev" | "via" | "proto" | "scope" | "src" | "table"] = value;
  }
  return fields;
}
