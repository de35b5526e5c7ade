/** The JSON Schema of a stack file, for editors: the config shapes, and Pulumi's own top-level keys. */
import { z } from "zod";
import { ec2Shape } from "./ec2-shape";
import { NAME } from "./patterns";
import { isSecretMap } from "./secret-keys";
import { FACTS, RECORDS, SECRETS, type Section } from "./sections";

/** A JSON Schema, draft 7, which all editors support. */
export interface JsonSchema {
  [keyword: string]: unknown;
  description?: string;
  /** Not part of JSON Schema; see field.ts. */
  absent?: string;
  page?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: (string | null)[];
  examples?: (string | number)[];
  default?: string | number | boolean;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
}

/** A value that Pulumi has encrypted. */
const ENCRYPTED_VALUE = {
  // Editors show it where the value is in plain text.
  title: "secure: ..., as `npx pulumi config set --secret` writes it",
  type: "object",
  properties: { secure: { type: "string" } },
  required: ["secure"],
  additionalProperties: false,
};

/** The top level of a stack file (pulumi v3.276.0, sdk/go/common/workspace/project.go, ProjectStack). */
export function stackFileSchema(namespace: string): JsonSchema {
  const keys: [string, JsonSchema][] = [
    ...Object.entries(FACTS).map(([key, section]) => [key, sectionSchema(section)] as const),
    ...Object.entries(SECRETS).map(([key, about]) => [key, secretSchema(key, about)] as const),
    ...Object.entries(RECORDS).map(([key, about]) => [key, { ...about }] as const),
  ].map(([key, schema]) => [namespace + key, schema]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "A stack of wireguard-mesh",
    type: "object",
    properties: {
      config: {
        description: "the network, and settings of providers as `aws:region`",
        type: "object",
        properties: Object.fromEntries(keys),
        patternProperties: { [`^(?!${namespace}).*:`]: {} },
        additionalProperties: false,
      },
      secretsprovider: { type: "string", description: "what encrypts the secrets" },
      encryptedkey: { type: "string", description: "of the secrets provider" },
      encryptionsalt: { type: "string", description: "of the passphrase" },
      environment: { description: "Pulumi ESC" },
    },
    additionalProperties: false,
  };
}

/** The schema of one shape, with the metadata of each key. */
export function shapeSchema(shape: z.ZodObject): JsonSchema {
  const schema = z.toJSONSchema(shape, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    // zod leaves out defaults and examples of values that a parser transforms.
    override: ({ zodSchema, jsonSchema }) =>
      Object.assign(jsonSchema, examplesAndDefault(zodSchema)),
  }) as JsonSchema;
  delete schema["$schema"];
  const keys = schema.properties ?? {};
  if (keys["ec2"] !== undefined) Object.assign(keys["ec2"], shapeSchema(ec2Shape));
  const requiredByRules = Object.keys(keys).filter((key) => keys[key]?.absent === "required");
  return { ...schema, required: [...(schema.required ?? []), ...requiredByRules] };
}

function examplesAndDefault(zodSchema: z.core.$ZodType): Record<string, unknown> {
  const { examples, default: value } = z.globalRegistry.get(zodSchema) ?? {};
  return {
    ...(examples === undefined ? {} : { examples }),
    ...(value === undefined ? {} : { default: value }),
  };
}

/** Text is allowed because `pulumi config set KEY JSON` writes a section as text. Only lists must not be empty values. */
function sectionSchema({ kind, shape, description }: Section): JsonSchema {
  const entry = forEditors(shapeSchema(shape));
  if (kind === "map") return { ...entry, type: ["object", "string", "null"], description };
  if (kind === "list") return { type: ["array", "string"], description, items: entry };
  const names = { propertyNames: { pattern: NAME.source } };
  return {
    type: ["object", "string", "null"],
    description,
    ...names,
    additionalProperties: entry,
  };
}

/** Moves `absent`, which editors do not know, into the description. An optional key may also be null. */
function forEditors({ absent, ...schema }: JsonSchema): JsonSchema {
  delete schema.page;
  const keys = Object.entries(schema.properties ?? {}).map(([key, inner]) => {
    const isRequired = schema.required?.includes(key) === true;
    return [key, isRequired ? forEditors(inner) : orEmpty(forEditors(inner))] as const;
  });
  const note = absent?.startsWith("required") === false ? `default: ${absent}` : absent;
  return {
    ...schema,
    ...(note === undefined ? {} : { description: `${schema.description ?? ""} (${note})` }),
    ...(keys.length === 0 ? {} : { properties: Object.fromEntries(keys) }),
  };
}

function orEmpty(schema: JsonSchema): JsonSchema {
  if (schema.enum !== undefined) return { ...schema, enum: [...schema.enum, null] };
  return { ...schema, type: [schema["type"], "null"].flat() };
}

/** A map of private keys may also be encrypted as a whole. */
function secretSchema(key: string, { description }: { description: string }): JsonSchema {
  if (!isSecretMap(key)) return { ...ENCRYPTED_VALUE, description };
  return {
    type: "object",
    description,
    properties: { secure: { type: ["string", "object"] } },
    additionalProperties: ENCRYPTED_VALUE,
  };
}
