/** One question of the engine to the plugin about one `command:local:Command`, and its answer, both as plain data. */
import * as grpc from "@grpc/grpc-js";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { PluginUnderTest } from "./plugin-under-test";

export type Properties = Record<string, JavaScriptValue>;

/** Named by the call; its value is the resource's new inputs, or for `delete` and `read` its recorded state. */
export type Question =
  | { check: Properties }
  | { diff: Properties; oldInputs: Properties; olds?: Properties; ignoreChanges?: string[] }
  | { create: Properties; preview?: boolean; timeout?: number }
  | { update: Properties; olds: Properties; preview?: boolean; ignoreChanges?: string[] }
  | { delete: Properties; timeout?: number }
  | { read: Properties; inputs: Properties };

/** What came back. A field that says nothing (empty list, unset) is left out. */
export interface Answer {
  properties?: Properties;
  /** Of a check: `PROPERTY: REASON`, sorted. */
  failures?: string[];
  /** Of a diff: property path → what happens to it. */
  changes?: Record<string, string>;
  replaces?: string[];
  diffs?: string[];
  /** The error of the call: `CODE: message`. */
  error?: string;
  /** What the plugin told the engine meanwhile; `kept: ` before a line that is not a status message. */
  says?: string[];
}

const resourceUrn = "urn:pulumi:stack::project::command:local:Command::it";

/** Asks, waits for the answer and the log lines that came with it. */
export async function ask(plugin: PluginUnderTest, question: Question): Promise<Answer> {
  const before = plugin.log.length;
  const answer = await reply(plugin, question).catch(asError);
  const says = plugin.log
    .slice(before)
    .filter((line) => line.urn === resourceUrn)
    .map((line) =>
      line.ephemeral && line.severity === 1 ? line.message : `kept: ${line.message}`,
    );
  return says.length === 0 ? answer : { ...answer, says };
}

function reply(plugin: PluginUnderTest, question: Question): Promise<Answer> {
  if ("check" in question) return check(plugin, question.check);
  if ("diff" in question) return diff(plugin, question);
  if ("create" in question) return create(plugin, question);
  if ("update" in question) return update(plugin, question);
  if ("delete" in question) return remove(plugin, question.delete, question.timeout ?? 0);
  return read(plugin, question.read, question.inputs);
}

async function check(plugin: PluginUnderTest, news: Properties): Promise<Answer> {
  const request = new rpc.CheckRequest();
  request.setUrn(resourceUrn);
  request.setNews(Struct.fromJavaScript(news));
  const response = await call<rpc.CheckResponse>((done) => plugin.client.check(request, done));
  const failures = response.getFailuresList().map((it) => `${it.getProperty()}: ${it.getReason()}`);
  const properties = plain(response.getInputs());
  return failures.length === 0 ? { properties } : { properties, failures: failures.sort() };
}

async function diff(
  plugin: PluginUnderTest,
  question: {
    diff: Properties;
    oldInputs: Properties;
    olds?: Properties;
    ignoreChanges?: string[];
  },
): Promise<Answer> {
  const request = new rpc.DiffRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setNews(Struct.fromJavaScript(question.diff));
  request.setOldInputs(Struct.fromJavaScript(question.oldInputs));
  request.setOlds(
    Struct.fromJavaScript(question.olds ?? { ...question.oldInputs, stdout: "", stderr: "" }),
  );
  request.setIgnorechangesList(question.ignoreChanges ?? []);
  const response = await call<rpc.DiffResponse>((done) => plugin.client.diff(request, done));
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
  question: { create: Properties; preview?: boolean; timeout?: number },
): Promise<Answer> {
  const request = createRequest(question.create);
  request.setPreview(question.preview ?? false);
  request.setTimeout(question.timeout ?? 0);
  const response = await call<rpc.CreateResponse>((done) => plugin.client.create(request, done));
  const properties = plain(response.getProperties());
  return /^it[0-9a-f]{8}$/.test(response.getId())
    ? { properties }
    : { properties, error: `id: ${response.getId()}` };
}

/** Asks for a create and does not wait: the call can be cancelled, as it is when its engine dies. */
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
  question: { update: Properties; olds: Properties; preview?: boolean; ignoreChanges?: string[] },
): Promise<Answer> {
  const request = new rpc.UpdateRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setNews(Struct.fromJavaScript(question.update));
  request.setOlds(Struct.fromJavaScript(question.olds));
  request.setPreview(question.preview ?? false);
  request.setIgnorechangesList(question.ignoreChanges ?? []);
  const response = await call<rpc.UpdateResponse>((done) => plugin.client.update(request, done));
  return { properties: plain(response.getProperties()) };
}

async function remove(
  plugin: PluginUnderTest,
  state: Properties,
  timeout: number,
): Promise<Answer> {
  const request = new rpc.DeleteRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setProperties(Struct.fromJavaScript(state));
  request.setTimeout(timeout);
  await call((done) => plugin.client.delete(request, done));
  return {};
}

async function read(
  plugin: PluginUnderTest,
  state: Properties,
  inputs: Properties,
): Promise<Answer> {
  const request = new rpc.ReadRequest();
  request.setUrn(resourceUrn);
  request.setId("id");
  request.setProperties(Struct.fromJavaScript(state));
  request.setInputs(Struct.fromJavaScript(inputs));
  const response = await call<rpc.ReadResponse>((done) => plugin.client.read(request, done));
  return {
    properties: { state: plain(response.getProperties()), inputs: plain(response.getInputs()) },
  };
}

type Done<T> = (error: grpc.ServiceError | null, response: T) => void;

/** A gRPC call as a promise. */
export function call<T>(start: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

function asError(problem: unknown): Answer {
  const error = problem as grpc.ServiceError;
  const detailed =
    error.metadata.get("grpc-status-details-bin").length > 0 ? " (with details)" : "";
  return { error: `${grpc.status[error.code]}${detailed}: ${error.details}` };
}

function listed(name: "replaces" | "diffs", list: string[]): Partial<Answer> {
  return list.length === 0 ? {} : { [name]: list.sort() };
}

function plain(struct: Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}
