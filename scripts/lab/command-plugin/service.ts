/** Implements the provider protocol (pulumi sdk/proto, ResourceProvider) for `command:local:Command` only. */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import { randomBytes } from "node:crypto";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import * as command from "./command";
import { type ChangeKind, diffInputs, propertyOf } from "./diff";
import type { EngineLog } from "../provider/engine-log";
import {
  checkedInputs,
  type CheckFailure,
  inputFailures,
  stateFailures,
  withoutUnknownLists,
} from "./fields";
import { Operations } from "./operation";
import { previewCreate, previewUpdate } from "./preview";
import { schema, token, version } from "./schema";
import { formatProperties, parseProperties, type Properties } from "../provider/values";

/** The request is invalid, or the stand-in does not support it. */
class InvalidRequest extends Error {}

export interface CommandService {
  getPluginInfo: () => PluginInfo;
  getSchema: () => rpc.GetSchemaResponse;
  checkConfig: (request: rpc.CheckRequest) => rpc.CheckResponse;
  configure: () => rpc.ConfigureResponse;
  check: (request: rpc.CheckRequest) => rpc.CheckResponse;
  diff: (request: rpc.DiffRequest) => rpc.DiffResponse;
  create: (request: rpc.CreateRequest, callCancelled: AbortSignal) => Promise<rpc.CreateResponse>;
  update: (request: rpc.UpdateRequest, callCancelled: AbortSignal) => Promise<rpc.UpdateResponse>;
  delete: (request: rpc.DeleteRequest, callCancelled: AbortSignal) => Promise<Empty>;
  read: (request: rpc.ReadRequest) => rpc.ReadResponse;
  cancel: () => Empty;
}

/** The handlers throw InvalidRequest and what the command functions throw. `callCancelled`: the call was cancelled. */
export function commandService(log: EngineLog): CommandService {
  const operations = new Operations();
  const perform = <T>(
    request: { getUrn: () => string; getTimeout: () => number },
    callCancelled: AbortSignal,
    work: (context: command.OperationContext) => Promise<T>,
  ): Promise<T> =>
    operations.run(request.getTimeout(), callCancelled, (control) =>
      work({ log: (line) => log(request.getUrn(), line), control }),
    );
  return {
    getPluginInfo: () => new PluginInfo().setVersion(version),
    getSchema: () => new rpc.GetSchemaResponse().setSchema(JSON.stringify(schema)),
    checkConfig,
    configure,
    check,
    diff,
    read,
    create: async (request, callCancelled) => {
      const inputs = validInputs(request.getUrn(), request.getProperties(), "invalid inputs: ");
      const state = request.getPreview()
        ? previewCreate(inputs)
        : await perform(request, callCancelled, (context) => command.create(inputs, context));
      return new rpc.CreateResponse().setId(newId(request.getUrn())).setProperties(struct(state));
    },
    update: async (request, callCancelled) => {
      const state = validState(request.getUrn(), request.getOlds());
      const given = validInputs(request.getUrn(), request.getNews(), "");
      const inputs = ignoring(request.getIgnorechangesList(), given, state);
      const next = request.getPreview()
        ? previewUpdate(inputs, state)
        : await perform(request, callCancelled, (context) =>
            command.update(inputs, state, context),
          );
      return new rpc.UpdateResponse().setProperties(struct(next));
    },
    delete: async (request, callCancelled) => {
      const state = validState(request.getUrn(), request.getProperties());
      await perform(request, callCancelled, (context) => command.remove(state, context));
      return new Empty();
    },
    cancel: () => {
      operations.cancel();
      return new Empty();
    },
  };
}

/** The real plugin's framework stores its version in the state of the provider. */
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

function properties(changes: [string, ChangeKind][]): string[] {
  return [...new Set(changes.map(([path]) => propertyOf(path)))];
}

/** A command has no external state to read: returns what was recorded. */
function read(request: rpc.ReadRequest): rpc.ReadResponse {
  validInputs(request.getUrn(), request.getInputs(), "");
  const state = parse(request.getUrn(), request.getProperties());
  const invalid = stateFailures(state).filter(({ reason }) => !reason.startsWith("Missing"));
  if (invalid.length > 0) throw new InvalidRequest(failureText(invalid));
  return new rpc.ReadResponse()
    .setId(request.getId())
    .setProperties(request.getProperties())
    .setInputs(request.getInputs());
}

function validInputs(urn: string, wire: Struct | undefined, prefix: string): Properties {
  const inputs = parse(urn, wire);
  const invalid = inputFailures(inputs);
  if (invalid.length > 0) throw new InvalidRequest(prefix + failureText(invalid));
  return withoutUnknownLists(inputs);
}

function validState(urn: string, wire: Struct | undefined): Properties {
  const state = parse(urn, wire);
  const invalid = stateFailures(state);
  if (invalid.length > 0) throw new InvalidRequest(failureText(invalid));
  return state;
}

function failureText(failures: CheckFailure[]): string {
  const lines = failures.map(({ property, reason }) => `\n\t${property}: ${reason}`);
  return `${failures.length} failures decoding:${lines.join("")}`;
}

/** Replaces the inputs in `ignoreChanges` by their recorded values, if they have one. */
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
    throw new InvalidRequest(`the stand-in for the command plugin has no ${type}, only ${token}`);
  return parseProperties(wire?.toJavaScript() ?? {});
}

function struct(properties: Properties): Struct {
  return Struct.fromJavaScript(formatProperties(properties));
}

function newId(urn: string): string {
  return urn.split("::").slice(3).join("::") + randomBytes(4).toString("hex");
}
