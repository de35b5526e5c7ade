/** Implements the provider protocol (pulumi sdk/proto, ResourceProvider) for the resources of an EC2 relay. */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { EngineLog } from "../provider/engine-log";
import { formatProperties, parseProperties, unknown, type Properties } from "../provider/values";
import { Account, AwsError, labOf, type CloudResource } from "./account";
import { differences, failures } from "./check";
import { kinds } from "./kinds";
import type { Cloud, Kind } from "./kinds/kind";
import { lookUp } from "./lookups";
import { plainOf, type PlainProperties } from "./plain";

/** The version of @pulumi/aws in package.json. */
const VERSION = "7.48.0";

/** The handlers by method name; what they throw becomes the error of the resource. */
export function awsService(log: EngineLog) {
  const cloudFor = (urn: string): Cloud => {
    const lab = labOf(urn);
    return { lab, account: Account.of(lab.id), log: (line) => void log(urn, line) };
  };
  return {
    getPluginInfo: () => new PluginInfo().setVersion(VERSION),
    getSchema: () =>
      new rpc.GetSchemaResponse().setSchema(JSON.stringify({ name: "aws", version: VERSION })),
    checkConfig: (request: rpc.CheckRequest) =>
      new rpc.CheckResponse().setInputs(request.getNews()),
    diffConfig: () => new rpc.DiffResponse().setChanges(rpc.DiffResponse.DiffChanges.DIFF_NONE),
    configure: () =>
      new rpc.ConfigureResponse()
        .setAcceptsecrets(true)
        .setSupportspreview(true)
        .setAcceptresources(false)
        .setAcceptoutputs(false),
    cancel: () => new Empty(),
    check,
    diff,
    invoke,
    create: async (request: rpc.CreateRequest) => {
      const urn = request.getUrn();
      const kind = kindOf(urn);
      const inputs = parse(request.getProperties());
      if (request.getPreview()) {
        return new rpc.CreateResponse().setProperties(struct(withUnknownOutputs(kind, inputs)));
      }
      const { id, made } = await create(cloudFor(urn), urn, kind, plainOf(inputs));
      return new rpc.CreateResponse().setId(id).setProperties(struct(merge(inputs, made)));
    },
    update: async (request: rpc.UpdateRequest) => {
      const urn = request.getUrn();
      const kind = kindOf(urn);
      const inputs = parse(request.getNews());
      const unchanged = keptFrom(kind, parse(request.getOlds()));
      const next: Properties = new Map([...unchanged, ...inputs]);
      if (request.getPreview()) return new rpc.UpdateResponse().setProperties(struct(next));
      const cloud = cloudFor(urn);
      await update(cloud, typeOf(urn), request.getId(), kind, plainOf(inputs));
      // The provider reads the resource again, and finds what others have changed.
      const { properties } = cloud.account.require(typeOf(urn), request.getId());
      const read = Object.fromEntries(
        Object.entries(properties).filter(([name]) => kind.outputs.includes(name)),
      );
      return new rpc.UpdateResponse().setProperties(struct(merge(next, read)));
    },
    delete: async (request: rpc.DeleteRequest) => {
      await remove(cloudFor(request.getUrn()), kindOf(request.getUrn()), request.getId());
      return new Empty();
    },
    read: (request: rpc.ReadRequest) => {
      const found = cloudFor(request.getUrn()).account.get(request.getId());
      if (found === undefined) return new rpc.ReadResponse();
      const recorded = parse(request.getProperties());
      return new rpc.ReadResponse()
        .setId(found.id)
        .setProperties(struct(merge(recorded, changesTo(recorded, found))))
        .setInputs(request.getInputs());
    },
  };
}

function check(request: rpc.CheckRequest): rpc.CheckResponse {
  const kind = kindOf(request.getUrn());
  const given = parse(request.getNews());
  const name = request.getUrn().split("::").at(-1) ?? "";
  const old = plainOf(parse(request.getOlds()));
  const filled = merge(given, kind.fill?.(name, plainOf(given), old) ?? {});
  const invalid = failures(kind, plainOf(filled));
  return new rpc.CheckResponse()
    .setInputs(struct(filled))
    .setFailuresList(
      invalid.map(({ property, reason }) =>
        new rpc.CheckFailure().setProperty(property).setReason(reason),
      ),
    );
}

function diff(request: rpc.DiffRequest): rpc.DiffResponse {
  const old = plainOf(parse(request.getOldInputs()));
  const next = plainOf(parse(request.getNews()));
  const ignored = request.getIgnorechangesList();
  const changes = differences(kindOf(request.getUrn()), old, next).filter(
    ({ property }) => !ignored.includes(property),
  );
  const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
  const response = new rpc.DiffResponse()
    .setHasdetaileddiff(true)
    .setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList(changes.map(({ property }) => property))
    .setReplacesList(changes.filter(({ replaces }) => replaces).map(({ property }) => property));
  for (const { property, replaces, change } of changes) {
    const kind = rpc.PropertyDiff.Kind[replaces ? (`${change}_REPLACE` as const) : change];
    const detail = new rpc.PropertyDiff().setKind(kind).setInputdiff(true);
    response.getDetaileddiffMap().set(property, detail);
  }
  return response;
}

/** A function call carries no URN, so the stack comes from the environment in which the engine was started. */
function invoke(request: rpc.InvokeRequest): rpc.InvokeResponse {
  const stack = process.env["PULUMI_STACK"] ?? "";
  const account = Account.of(labOf(`urn:pulumi:${stack}`).id);
  const found = lookUp(account, request.getTok(), plainOf(parse(request.getArgs())));
  return new rpc.InvokeResponse().setReturn(Struct.fromJavaScript(found));
}

async function create(cloud: Cloud, urn: string, kind: Kind, inputs: PlainProperties) {
  const id = Account.newId(kind.prefix);
  cloud.account.put({ type: typeOf(urn), id, properties: inputs });
  try {
    const tagsAll = kind.outputs.includes("tagsAll") ? { tagsAll: inputs["tags"] ?? {} } : {};
    const added = { ...tagsAll, ...(await kind.create(cloud, id, inputs)) };
    const made = Object.fromEntries(Object.entries(added).filter(([name]) => !(name in inputs)));
    cloud.account.change(id, made);
    return { id, made };
  } catch (problem) {
    cloud.account.remove(id);
    throw problem;
  }
}

async function update(
  cloud: Cloud,
  type: string,
  id: string,
  kind: Kind,
  inputs: PlainProperties,
): Promise<void> {
  const previous = cloud.account.require(type, id);
  const kept = Object.entries(previous.properties).filter(([name]) => {
    return kind.outputs.includes(name) || kind.chosen.includes(name);
  });
  const properties = { ...Object.fromEntries(kept), ...inputs };
  cloud.account.put({ ...previous, properties });
  await kind.update?.(cloud, previous, properties);
}

async function remove(cloud: Cloud, kind: Kind, id: string): Promise<void> {
  const resource = cloud.account.get(id);
  if (resource === undefined) return;
  await kind.remove?.(cloud, resource);
  cloud.account.remove(id);
  await kind.removed?.(cloud);
}

function withUnknownOutputs(kind: Kind, inputs: Properties): Properties {
  const unset = [...kind.outputs, ...kind.chosen].filter((name) => !inputs.has(name));
  return new Map([
    ...inputs,
    ...unset.map((name) => [name, { data: unknown, secret: false }] as const),
  ]);
}

/** The properties that an update keeps: those that AWS added or chose. */
function keptFrom(kind: Kind, state: Properties): Properties {
  return new Map(
    [...state].filter(([name]) => kind.outputs.includes(name) || kind.chosen.includes(name)),
  );
}

function changesTo(recorded: Properties, { properties }: CloudResource): PlainProperties {
  const old = plainOf(recorded);
  return Object.fromEntries(
    Object.entries(properties).filter(([name, value]) => {
      return JSON.stringify(old[name]) !== JSON.stringify(value);
    }),
  );
}

/** Adds values to the inputs; equal ones stay as they are, so that they keep their secretness. */
function merge(inputs: Properties, more: PlainProperties): Properties {
  const given = plainOf(inputs);
  const added = Object.entries(more).filter(([name, value]) => value !== given[name]);
  return new Map([...inputs, ...parseProperties(Object.fromEntries(added))]);
}

function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? urn;
}

function kindOf(urn: string): Kind {
  const kind = kinds.get(typeOf(urn));
  if (kind === undefined)
    throw new AwsError(`the stand-in for the aws plugin has no ${typeOf(urn)}`);
  return kind;
}

function parse(wire: Struct | undefined): Properties {
  return parseProperties(wire?.toJavaScript() ?? {});
}

function struct(properties: Properties): Struct {
  return Struct.fromJavaScript(formatProperties(properties));
}
