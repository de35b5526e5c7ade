/** The engine's calls to a provider (pulumi sdk/proto, ResourceProvider), answered for `command:local:Command` only. */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import { randomBytes } from "node:crypto";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import * as command from "./command";
import { type Kind, diffInputs, propertyOf } from "./diff";
import type { EngineLog } from "../provider/engine-log";
import {
  checkedInputs,
  type Failure,
  inputFailures,
  stateFailures,
  withoutUnknownLists,
} from "./fields";
import { Operations } from "./operation";
import { previewCreate, previewUpdate } from "./preview";
import { schema, token, version } from "./schema";
import { formatProperties, parseProperties, type Properties } from "../provider/values";

/** A question that this stand-in, or any provider of this resource, cannot answer. */
class Refusal extends Error {}

export interface CommandService {
  getPluginInfo: () => PluginInfo;
  getSchema: () => rpc.GetSchemaResponse;
  checkConfig: (request: rpc.CheckRequest) => rpc.CheckResponse;
  configure: () => rpc.ConfigureResponse;
  check: (request: rpc.CheckRequest) => rpc.CheckResponse;
  diff: (request: rpc.DiffRequest) => rpc.DiffResponse;
  create: (request: rpc.CreateRequest, hungUp: AbortSignal) => Promise<rpc.CreateResponse>;
  update: (request: rpc.UpdateRequest, hungUp: AbortSignal) => Promise<rpc.UpdateResponse>;
  delete: (request: rpc.DeleteRequest, hungUp: AbortSignal) => Promise<Empty>;
  read: (request: rpc.ReadRequest) => rpc.ReadResponse;
  cancel: () => Empty;
}

/** Answers throw Refusal, and what the command functions throw. `hungUp`: the engine no longer waits for this answer. */
export function commandService(log: EngineLog): CommandService {
  const operations = new Operations();
  const perform = <T>(
    request: { getUrn: () => string; getTimeout: () => number },
    hungUp: AbortSignal,
    work: (around: command.Surroundings) => Promise<T>,
  ): Promise<T> =>
    operations.run(request.getTimeout(), hungUp, (control) =>
      work({ say: (line) => log(request.getUrn(), line), control }),
    );
  return {
    getPluginInfo: () => new PluginInfo().setVersion(version),
    getSchema: () => new rpc.GetSchemaResponse().setSchema(JSON.stringify(schema)),
    checkConfig,
    configure,
    check,
    diff,
    read,
    create: async (request, hungUp) => {
      const inputs = validInputs(request.getUrn(), request.getProperties(), "invalid inputs: ");
      const state = request.getPreview()
        ? previewCreate(inputs)
        : await perform(request, hungUp, (around) => command.create(inputs, around));
      return new rpc.CreateResponse().setId(newId(request.getUrn())).setProperties(struct(state));
    },
    update: async (request, hungUp) => {
      const state = validState(request.getUrn(), request.getOlds());
      const given = validInputs(request.getUrn(), request.getNews(), "");
      const inputs = ignoring(request.getIgnorechangesList(), given, state);
      const next = request.getPreview()
        ? previewUpdate(inputs, state)
        : await perform(request, hungUp, (around) => command.update(inputs, state, around));
      return new rpc.UpdateResponse().setProperties(struct(next));
    },
    delete: async (request, hungUp) => {
      const state = validState(request.getUrn(), request.getProperties());
      await perform(request, hungUp, (around) => command.remove(state, around));
      return new Empty();
    },
    cancel: () => {
      operations.cancel();
      return new Empty();
    },
  };
}

/** The real plugin's framework leaves its own version in the state of the provider. */
function checkConfig(request: rpc.CheckRequest): rpc.CheckResponse {
  const config = { ...request.getNews()?.toJavaScript(), "__pulumi-go-provider-version": "1.2.0" };
  return new rpc.CheckResponse().setInputs(Struct.fromJavaScript(config));
}

function configure(): rpc.ConfigureResponse {
  return new rpc.ConfigureResponse()
    .setAcceptsecrets(true)
    .setSupportspreview(true)
    .setAcceptresources(true)
    .setAcceptoutputs(true);
}

function check(request: rpc.CheckRequest): rpc.CheckResponse {
  const given = parse(request.getUrn(), request.getNews());
  const failures = inputFailures(given);
  const response = new rpc.CheckResponse().setInputs(
    struct(failures.length === 0 ? checkedInputs(withoutUnknownLists(given)) : given),
  );
  return response.setFailuresList(
    failures.map(({ property, reason }) =>
      new rpc.CheckFailure().setProperty(property).setReason(reason),
    ),
  );
}

function diff(request: rpc.DiffRequest): rpc.DiffResponse {
  const urn = request.getUrn();
  const inputs = ignoring(
    request.getIgnorechangesList(),
    parse(urn, request.getNews()),
    parse(urn, request.getOlds()),
  );
  const changes = [...diffInputs(parse(urn, request.getOldInputs()), inputs)];
  const response = new rpc.DiffResponse().setHasdetaileddiff(true);
  const { DIFF_SOME, DIFF_NONE } = rpc.DiffResponse.DiffChanges;
  response.setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList(properties(changes));
  response.setReplacesList(properties(changes.filter(([, kind]) => kind.endsWith("_REPLACE"))));
  changes.forEach(([path, kind]) => {
    response
      .getDetaileddiffMap()
      .set(path, new rpc.PropertyDiff().setKind(rpc.PropertyDiff.Kind[kind]));
  });
  return response;
}

function properties(changes: [string, Kind][]): string[] {
  return [...new Set(changes.map(([path]) => propertyOf(path)))];
}

/** Nothing outside is looked at: what was recorded is what is. */
function read(request: rpc.ReadRequest): rpc.ReadResponse {
  validInputs(request.getUrn(), request.getInputs(), "");
  const state = parse(request.getUrn(), request.getProperties());
  const wrong = stateFailures(state).filter(({ reason }) => !reason.startsWith("Missing"));
  if (wrong.length > 0) throw new Refusal(listed(wrong));
  return new rpc.ReadResponse()
    .setId(request.getId())
    .setProperties(request.getProperties())
    .setInputs(request.getInputs());
}

function validInputs(urn: string, wire: Struct | undefined, blame: string): Properties {
  const inputs = parse(urn, wire);
  const wrong = inputFailures(inputs);
  if (wrong.length > 0) throw new Refusal(blame + listed(wrong));
  return withoutUnknownLists(inputs);
}

function validState(urn: string, wire: Struct | undefined): Properties {
  const state = parse(urn, wire);
  const wrong = stateFailures(state);
  if (wrong.length > 0) throw new Refusal(listed(wrong));
  return state;
}

function listed(failures: Failure[]): string {
  const lines = failures.map(({ property, reason }) => `\n\t${property}: ${reason}`);
  return `${failures.length} failures decoding:${lines.join("")}`;
}

/** An ignored property stays as it was, if it was. */
function ignoring(names: string[], inputs: Properties, state: Properties): Properties {
  const kept = names.flatMap((name) => {
    const value = state.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return new Map([...inputs, ...kept]);
}

function parse(urn: string, wire: Struct | undefined): Properties {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? urn;
  if (type !== token)
    throw new Refusal(`the stand-in for the command plugin has no ${type}, only ${token}`);
  return parseProperties(wire?.toJavaScript() ?? {});
}

function struct(properties: Properties): Struct {
  return Struct.fromJavaScript(formatProperties(properties));
}

function newId(urn: string): string {
  return urn.split("::").slice(3).join("::") + randomBytes(4).toString("hex");
}
