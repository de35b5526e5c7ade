/**
 * Renders address translation as part of a host's nftables table (filter.ts). An exit and a gateway with `masquerade` replace the
 * source address of packets by their own, so that answers come back without a route.
 */
import type { NatPlan } from "../plan/nat-plan";
import { FAMILIES, setLines, setOf, type AddressSet, type Block } from "./address-sets";

interface NatBlocks {
  sets: Block[];
  chains: Block[];
  /** Rules that allow the connections of an exit's peers, in both directions. */
  leaving: string[];
}

export function natBlocks(nat: NatPlan | undefined): NatBlocks {
  if (nat === undefined) return { sets: [], chains: [], leaving: [] };
  const leaving = setOf("leaving", nat.leaving);
  const inside = setOf("inside", nat.leaving.length === 0 ? [] : nat.inside);
  const lans = setOf("lans", nat.lans?.of ?? []);
  const remote = setOf("remote", nat.lans?.from ?? []);
  const away = nat.interfaces.map((name) => `oifname != "${name}"`).join(" ");
  return {
    sets: [leaving, inside, lans, remote].flatMap(setLines),
    chains: [
      ...(nat.leaving.length === 0 ? [] : [exitChain(nat, leaving, inside)]),
      ...(nat.mapped.length === 0 ? [] : [prerouting(nat)]),
      [
        "chain postrouting {",
        "\ttype nat hook postrouting priority srcnat; policy accept;",
        ...pairs(leaving, inside, "!= ").map((match) => `\t${away} ${match} masquerade`),
        ...mappings(
          nat,
          (name, { lan, as }, word) =>
            `\toifname "${name}" ${word} saddr ${lan} snat ${word} prefix to ${as}`,
        ),
        ...pairs(remote, lans).map((match) => `\t${away} ${match} masquerade`),
        "}",
      ],
    ],
    leaving: pairs(leaving, inside, "!= ", "ct original ").map((match) => `\t${match} accept`),
  };
}

/** One-to-one: the host part of an address does not change. */
function prerouting(nat: NatPlan): Block {
  return [
    "chain prerouting {",
    "\ttype nat hook prerouting priority dstnat; policy accept;",
    ...mappings(
      nat,
      (name, { lan, as }, word) =>
        `\tiifname "${name}" ${word} daddr ${as} dnat ${word} prefix to ${lan}`,
    ),
    "}",
  ];
}

function mappings(
  { interfaces, mapped }: NatPlan,
  rule: (name: string, mapping: NatPlan["mapped"][number], word: "ip" | "ip6") => string,
): string[] {
  return interfaces.flatMap((name) =>
    mapped.map((mapping) => rule(name, mapping, mapping.lan.includes(":") ? "ip6" : "ip")),
  );
}

/**
 * Only peers with `routeAll` may leave, but not to link-local addresses, such as a cloud's metadata service. The MSS of TCP is
 * clamped to the path MTU, because many servers do not get the ICMP messages.
 */
function exitChain({ interfaces }: NatPlan, leaving: AddressSet, inside: AddressSet): Block {
  const outside = FAMILIES.filter(({ family }) => inside.elements[family].length > 0).map(
    ({ family, keyword, suffix }) => {
      const others =
        leaving.elements[family].length > 0 ? ` ${keyword} saddr != @leaving${suffix}` : "";
      return `${keyword} daddr != @inside${suffix}${others} drop`;
    },
  );
  return [
    "chain exit {",
    "\ttype filter hook forward priority filter; policy accept;",
    ...interfaces.flatMap((name) => [
      ...["ip daddr 169.254.0.0/16 drop", ...outside, CLAMP].map(
        (rule) => `\tiifname "${name}" ${rule}`,
      ),
      `\toifname "${name}" ${CLAMP}`,
    ]),
    "}",
  ];
}

const CLAMP = "tcp flags syn tcp option maxseg size set rt mtu";

/** A match of source and destination for each family that both sets have. */
function pairs(from: AddressSet, to: AddressSet, not: "" | "!= " = "", of = ""): string[] {
  return FAMILIES.filter(
    ({ family }) => from.elements[family].length > 0 && to.elements[family].length > 0,
  ).map(
    ({ keyword, suffix }) =>
      `${of}${keyword} saddr @${from.name}${suffix} ${of}${keyword} daddr ${not}@${to.name}${suffix}`,
  );
}
