/** Calls the plugin for one `command:local:Command`; the call and its result are plain data. */
import * as grpc from "@grpc/grpc-js";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { PluginUnderTest } from "./plugin-under-test";

export type Properties = Record<string, JavaScriptValue>;

/** The key names the method; its value is the resource's new inputs or, for `delete` and `read`, its recorded state. */
export type CallSpec =
  | { check: Properties }
  | { diff: Properties; oldInputs: Properties; olds?: Properties; ignoreChanges?: string[] }
  | { create: Properties; preview?: boolean; timeout?: number }
  | { update: Properties; olds: Properties; preview?: boolean; ignoreChanges?: string[] }
  | { delete: Properties; timeout?: number }
  | { read: Properties; inputs: Properties };

/** The response of the plugin. Empty lists and unset fields are omitted. */
export interface CallResult {
  properties?: Properties;
  /** Of a check: `PROPERTY: REASON`, sorted. */
  failures?: string[];
  /** Of a diff: property path → kind of change. */
  changes?: Record<string, string>;
  replaces?: string[];
  diffs?: string[];
  /** The error of the call: `CODE: message`. */
  error?: string;
  /** The plugin's log lines during the call; with the prefix `kept: ` if the line is not ephemeral. */
  log?: string[];
}

const resourceUrn = "urn:pulumi:stack::project::command:local:Command::it";

/** Calls the plugin and collects its response and its log lines. */
export async function callPlugin(plugin: PluginUnderTest, spec: CallSpec): Promise<CallResult> {
  const before = plugin.log.length;
  const result = await send(plugin, spec).catch(asError);
  const log = plugin.log
    .slice(before)
    .filter((line) => line.urn === resourceUrn)
    .map((line) =>
      line.ephemeral && line.severity === 1 ? line.message : `kept: ${line.message}`,
    );
  return log.length === 0 ? result : { ...result, log };
}

function send(plugin: PluginUnderTest, spec: CallSpec): Promise<CallResult> {
  if ("check" in spec) return check(plugin, spec.check);
  if ("diff" in spec) return diff(plugin, spec);
  if ("create" in spec) return create(plugin, spec);
  if ("update" in spec) return update(plugin, spec);
  if ("delete" in spec) return remove(plugin, spec.delete, spec.timeout ?? 0);
  return read(plugin, spec.read, spec.inputs);
}

async function check(plugin: PluginUnderTest, news: Properties): Promise<CallResult> {
  const request = new rpc.CheckRequest();
  request.setUrn(resourceUrn);
  request.setNews(Struct.fromJavaScript(news));
  const response = await unaryCall<rpc.CheckResponse>((done) => plugin.client.check(request, done));
  const failures = response.getFailuresList().map((it) => `${it.getProperty()}: ${it.getReason()}`);
  const properties = plain(response.getInputs());
  return failures.length === 0 ? { properties } : { properties, failures: failures.sort() };
}

async function diff(
  plugin: PluginUnderTest,
  spec: {
    diff: Properties;
    oldInputs: Properties;
    olds?: Properties;
    ignoreChanges?: string[];
  },
): Promise<CallResult> {
  const request = new rpc.DiffRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setNews(Struct.fromJavaScript(spec.diff));
  request.setOldInputs(Struct.fromJavaScript(spec.oldInputs));
  request.setOlds(
    Struct.fromJavaScript(spec.olds ?? { ...spec.oldInputs, stdout: "", stderr: "" }),
  );
  request.setIgnorechangesList(spec.ignoreChanges ?? []);
  const response = await unaryCall<rpc.DiffResponse>((done) => plugin.client.diff(request, done));
  return {
    changes: detailedDiff(response),
    ...listed("replaces", response.getReplacesList()),
    ...listed("diffs", response.getDiffsList()),
  };
}

function detailedDiff(response: rpc.DiffResponse): Record<string, string> {
  const changes: Record<string, string> = {};
  if (response.getChanges() !== rpc.DiffResponse.DiffChanges.DIFF_SOME)
    changes["(overall)"] = "none";
  if (!response.getHasdetaileddiff()) changes["(detail)"] = "none";
  for (const [path, change] of response.getDetaileddiffMap().entries()) {
    const kind = Object.entries(rpc.PropertyDiff.Kind).find(
      ([, value]) => value === change.getKind(),
    );
    changes[path] = `${kind?.[0] ?? "?"}${change.getInputdiff() ? " (input)" : ""}`;
  }
  return changes;
}

async function create(
  plugin: PluginUnderTest,
  spec: { create: Properties; preview?: boolean; timeout?: number },
): Promise<CallResult> {
  const request = createRequest(spec.create);
  request.setPreview(spec.preview ?? false);
  request.setTimeout(spec.timeout ?? 0);
  const response = await unaryCall<rpc.CreateResponse>((done) =>
    plugin.client.create(request, done),
  );
  const properties = plain(response.getProperties());
  return /^it[0-9a-f]{8}$/.test(response.getId())
    ? { properties }
    : { properties, error: `id: ${response.getId()}` };
}

/** Starts a create without waiting for it; the call can be cancelled, as when the engine dies. */
export function startCreate(plugin: PluginUnderTest, inputs: Properties): grpc.ClientUnaryCall {
  return plugin.client.create(createRequest(inputs), () => undefined);
}

function createRequest(inputs: Properties): rpc.CreateRequest {
  const request = new rpc.CreateRequest();
  request.setUrn(resourceUrn);
  request.setProperties(Struct.fromJavaScript(inputs));
  return request;
}

async function update(
  plugin: PluginUnderTest,
  spec: { update: Properties; olds: Properties; preview?: boolean; ignoreChanges?: string[] },
): Promise<CallResult> {
  const request = new rpc.UpdateRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setNews(Struct.fromJavaScript(spec.update));
  request.setOlds(Struct.fromJavaScript(spec.olds));
  request.setPreview(spec.preview ?? false);
  request.setIgnorechangesList(spec.ignoreChanges ?? []);
  const response = await unaryCall<rpc.UpdateResponse>((done) =>
    plugin.client.update(request, done),
  );
  return { properties: plain(response.getProperties()) };
}

async function remove(
  plugin: PluginUnderTest,
  state: Properties,
  timeout: number,
): Promise<CallResult> {
  const request = new rpc.DeleteRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setProperties(Struct.fromJavaScript(state));
  request.setTimeout(timeout);
  await unaryCall((done) => plugin.client.delete(request, done));
  return {};
}

async function read(
  plugin: PluginUnderTest,
  state: Properties,
  inputs: Properties,
): Promise<CallResult> {
  const request = new rpc.ReadRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setProperties(Struct.fromJavaScript(state));
  request.setInputs(Struct.fromJavaScript(inputs));
  const response = await unaryCall<rpc.ReadResponse>((done) => plugin.client.read(request, done));
  return {
    properties: { state: plain(response.getProperties()), inputs: plain(response.getInputs()) },
  };
}

type Done<T> = (error: grpc.ServiceError | null, response: T) => void;

/** Turns a unary gRPC call into a promise. */
export function unaryCall<T>(start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

function asError(thrown: unknown): CallResult {
  const error = thrown as grpc.ServiceError;
  const detailed =
    error.metadata.get("grpc-status-details-bin").length > 0 ? " (with details)" : "";
  return { error: `${grpc.status[error.code]}${detailed}: ${error.details}` };
}

function listed(name: "replaces" | "diffs", list: string[]): Partial<CallResult> {
  return list.length === 0 ? {} : { [name]: list.sort() };
}

function plain(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}
