/** The shapes of `policy` and `expect`. */
import { z } from "zod";
import { flag, oneOrMore, text } from "./field";
import { NAME } from "./patterns";
import { parsePorts, PORTS } from "./ports";
import { parseName, parseSelector } from "./values";

export const expectShape = z.strictObject({
  from: text(parseName, "laptop", NAME).meta({
    description: "the node that starts the connection",
  }),
  to: text((written) => written, "desktop").meta({
    description: "a node, or a LAN behind one as CIDR",
  }),
  ports: oneOrMore(parsePorts, "tcp/443", PORTS).optional().meta({
    description: "ports that must all be open (`reach: true`) or all be closed (`reach: false`)",
    absent: "whether it answers a ping",
  }),
  reach: flag().meta({ description: "whether it must be reachable" }),
});

const EMPTY_REMEDY = "list at least one, or remove the rule";

export const policyShape = z.strictObject({
  from: oneOrMore(parseSelector, "tag:admin", undefined, EMPTY_REMEDY).meta({
    description: "who may start: names, `tag:NAME`, LANs behind nodes as CIDRs, or `*`",
  }),
  to: oneOrMore(parseSelector, "nas", undefined, EMPTY_REMEDY).meta({
    description: "what they may reach, written in the same way",
  }),
  ports: oneOrMore(
    parsePorts,
    "tcp/443",
    PORTS,
    "list at least one; without ports, everything may be started",
  )
    .optional()
    .meta({
      description: "`tcp/443`, `udp/53`, `tcp/8000-8100`; a ping is always included",
      absent: "everything",
    }),
});

export type RawExpect = z.output<typeof expectShape>;
export type RawPolicyRule = z.output<typeof policyShape>;
