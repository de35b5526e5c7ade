/** docs/reference/config.md: every key of the config, from the shapes that validate it. */
import { shapeSchema, type JsonSchema } from "../../mesh/config/json-schema";
import { FACTS, RECORDS, SECRETS } from "../../mesh/config/sections";

interface About {
  description: string;
  absent?: string;
  page?: string;
}

const NOTE = "<!-- Written by `npm run docs` from mesh/config. Do not edit. -->";

export function configReference(): string {
  const { network, relays, peers, policy, expect } = FACTS;
  const [relay, peer] = [shapeSchema(relays.shape), shapeSchema(peers.shape)];
  const { ec2 = {} } = keysOf(relay);
  const common = Object.keys(keysOf(peer)).filter((key) => key in keysOf(relay));
  return [
    NOTE,
    "# Reference: every key of the config",
    "The stack file is `Pulumi.STACK.yaml`. Below its `config:` each key has the prefix `wireguard-mesh:`, as in `wireguard-mesh:peers`. [config.md](../config.md) says in words how they work together. Editors complete and check these keys by [the schema](../config.schema.json): `init` puts the line for it into the file.",
    section("network", network),
    tableOf(shapeSchema(network.shape)),
    section("relays and peers", {
      description: `\`relays\`: ${relays.description}. \`peers\`: ${peers.description}. A name is a lower-case DNS label without \`--\``,
    }),
    tableOf(relay, (key) => common.includes(key)),
    section("relays only", { description: "beside those of all nodes" }),
    tableOf(relay, (key) => !common.includes(key)),
    section("ec2 of a relay", { description: ec2.description ?? "" }, 3),
    tableOf(ec2),
    section("peers only", { description: "beside those of all nodes" }),
    tableOf(peer, (key) => !common.includes(key)),
    section("policy", policy),
    tableOf(shapeSchema(policy.shape)),
    section("expect", expect),
    tableOf(shapeSchema(expect.shape)),
    section("Secrets", {
      description: "always encrypted: each stands in the file as `secure: ...`",
    }),
    table(["key", "if absent", "meaning"], aboutRows(SECRETS)),
    section("Records", {
      description: "written by commands; nothing that is pushed depends on them",
    }),
    table(
      ["key", "meaning"],
      aboutRows(RECORDS).map(([key = "", , meaning = ""]) => [key, meaning]),
    ),
  ].join("\n\n");
}

function section(title: string, { description }: { description: string }, depth = 2): string {
  return `${"#".repeat(depth)} ${title}\n\n${sentence(description)}`;
}

function tableOf(schema: JsonSchema, isShown: (key: string) => boolean = () => true): string {
  const rows = Object.entries(keysOf(schema))
    .filter(([key]) => isShown(key))
    .map(([key, about]) => [
      code(key),
      valueOf(about),
      absentOf(about, schema.required?.includes(key) === true),
      meaningOf(about),
    ]);
  return table(["key", "value", "if absent", "meaning"], rows);
}

function aboutRows(keys: Record<string, About>): string[][] {
  return Object.entries(keys).map(([key, about]) => [
    code(key),
    about.absent ?? "none",
    meaningOf(about),
  ]);
}

function keysOf({ properties }: JsonSchema): Record<string, JsonSchema> {
  return properties ?? {};
}

/** The type as text, with an example. */
function valueOf(schema: JsonSchema): string {
  const { type, enum: choices, minimum, maximum } = schema;
  if (choices !== undefined) return choices.map((choice) => code(String(choice))).join(", ");
  if (type === "boolean") return "`true`, `false`";
  if (minimum !== undefined)
    return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
  const typeNames: Record<string, string> = { string: "text", object: "map", array: "list" };
  const kinds = [type].flat().map((kind) => typeNames[String(kind)] ?? String(kind));
  const [example] = schema.examples ?? schema.items?.examples ?? [];
  return kinds.join(" or ") + (example === undefined ? "" : `, e.g. ${code(String(example))}`);
}

function absentOf({ absent, default: value }: JsonSchema, isRequired: boolean): string {
  if (isRequired) return "required";
  return absent ?? (value === undefined ? "none" : code(String(value)));
}

function meaningOf({ description = "", page }: Pick<JsonSchema, "description" | "page">): string {
  return page === undefined ? description : `${description} ([more](../${page}))`;
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function code(text: string): string {
  return `\`${text}\``;
}
