/**
 * How version 1.2.1 of the command plugin starts and describes itself, and what happens to running commands when the
 * operation, the engine or the plugin ends. Like cases.test.ts, it can also test the real plugin.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { callPlugin, type CallResult, startCreate, unaryCall } from "./plugin-call";
import { type PluginUnderTest, startPlugin } from "./plugin-under-test";
import { end, waitForExit, isAlive, linesOf } from "./processes";

/** Writes its pid to a file and becomes a process that waits. */
const waits = "echo $$ >> pids; exec sleep 60";
/** The same, with a child process that waits, too. */
const bothWait = "sleep 60 & echo $! >> pids; echo $$ >> pids; wait";

describe("the lifecycle of the command plugin", () => {
  let plugin: PluginUnderTest;
  let folder: string;
  const pids = (count: number): Promise<string[]> => linesOf(path.join(folder, "pids"), count);
  const run = (create: string): Promise<CallResult> => callPlugin(plugin, { create: { create } });

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "command-plugin-"));
    plugin = await startPlugin(folder);
  });

  afterEach(async () => {
    await plugin.stop();
    const file = path.join(folder, "pids");
    if (fs.existsSync(file)) fs.readFileSync(file, "utf8").trim().split("\n").forEach(end);
    fs.rmSync(folder, { recursive: true });
  });

  it("reports its version and supports secrets, unknowns and previews", async () => {
    const info = await unaryCall<{ getVersion(): string }>((done) =>
      plugin.client.getPluginInfo(new Empty(), done),
    );
    assert.equal(info.getVersion(), "1.2.1");
    const configured = await unaryCall<rpc.ConfigureResponse>((done) =>
      plugin.client.configure(new rpc.ConfigureRequest(), done),
    );
    assert.deepEqual(
      [
        configured.getAcceptsecrets(),
        configured.getAcceptoutputs(),
        configured.getAcceptresources(),
      ],
      [true, true, true],
    );
    assert.equal(configured.getSupportspreview(), true);
  });

  it("records the version of its framework in the provider's state", async () => {
    const request = new rpc.CheckRequest();
    request.setNews(Struct.fromJavaScript({ version: "1.2.1" }));
    const response = await unaryCall<rpc.CheckResponse>((done) =>
      plugin.client.checkConfig(request, done),
    );
    assert.deepEqual(response.getInputs()?.toJavaScript(), {
      version: "1.2.1",
      "__pulumi-go-provider-version": "1.2.0",
    });
  });

  it("does not implement handshake and diffConfig", async () => {
    const unimplemented = { code: grpc.status.UNIMPLEMENTED };
    const { client } = plugin;
    await assert.rejects(
      unaryCall((done) => client.handshake(new rpc.ProviderHandshakeRequest(), done)),
      unimplemented,
    );
    await assert.rejects(
      unaryCall((done) => client.diffConfig(new rpc.DiffRequest(), done)),
      unimplemented,
    );
  });

  it("has the schema of 1.2.1", async () => {
    const response = await unaryCall<rpc.GetSchemaResponse>((done) =>
      plugin.client.getSchema(new rpc.GetSchemaRequest(), done),
    );
    assert.deepEqual(commandOf(response.getSchema()), commandSchema);
  });

  it("runs commands concurrently", async () => {
    const all = 20;
    const waitForAll = `echo $$ >> pids; until [ "$(wc -l < pids)" -ge ${all} ]; do sleep 0.05; done`;
    const results = await Promise.all(Array.from({ length: all }, () => run(waitForAll)));
    assert.deepEqual(
      results.map(({ error }) => error),
      results.map(() => undefined),
    );
  });

  it("kills running commands on cancel and starts no more", async () => {
    const result = run(waits);
    const [pid = ""] = await pids(1);
    await unaryCall((done) => plugin.client.cancel(new Empty(), done));
    assert.deepEqual(await result, { error: `UNKNOWN: signal: killed: running "${waits}":\n` });
    assert.equal(isAlive(pid), false);
    assert.deepEqual(await run("echo late"), {
      error: 'CANCELLED: context canceled: running "echo late":\n',
    });
    assert.deepEqual(await callPlugin(plugin, { check: { create: "a" } }), {
      properties: { create: "a" },
    });
  });

  it("kills only the command on cancel and waits for processes that hold its output open", async () => {
    const result = run(bothWait);
    const [child = "", command = ""] = await pids(2);
    await unaryCall((done) => plugin.client.cancel(new Empty(), done));
    await waitForExit(command);
    assert.equal(isAlive(child), true);
    end(child);
    assert.deepEqual(await result, { error: `UNKNOWN: signal: killed: running "${bothWait}":\n` });
  });

  it("kills the command of a cancelled call, as when the engine was killed", async () => {
    const waiting = startCreate(plugin, { create: waits });
    const [pid = ""] = await pids(1);
    waiting.cancel();
    await waitForExit(pid);
  });

  it("lets a command finish if its output can no longer be logged", async () => {
    const command =
      "echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; echo said; echo done >> pids";
    const result = run(command);
    await pids(1);
    plugin.stopEngine();
    fs.writeFileSync(path.join(folder, "go"), "");
    assert.deepEqual(await result, {
      properties: { create: command, stdout: "said", stderr: "" },
    });
    assert.equal((await pids(2))[1], "done");
    assert.match(plugin.stderr(), /INFO said hostLogFailed=/);
  });

  it("ends at once on SIGINT; commands that ignore SIGINT keep running", async () => {
    void run(`trap '' INT; ${waits}`);
    const [pid = ""] = await pids(1);
    const exit = once(plugin.process, "exit");
    process.kill(-(plugin.process.pid ?? 0), "SIGINT");
    assert.deepEqual(await exit, [null, "SIGINT"]);
    assert.equal(isAlive(pid), true);
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGKILL"] as const) {
    it(`leaves its commands running without a reader when it is ended by ${signal}`, async () => {
      void run(
        "echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; echo unread; echo no >> pids",
      );
      const [pid = ""] = await pids(1);
      const exit = once(plugin.process, "exit");
      plugin.process.kill(signal);
      assert.deepEqual(await exit, [null, signal]);
      assert.equal(isAlive(pid), true);
      fs.writeFileSync(path.join(folder, "go"), "");
      await waitForExit(pid);
      assert.deepEqual(await pids(1), [pid]);
    });
  }
});

interface TypeSpec {
  type?: string;
  $ref?: string;
  items?: TypeSpec;
  additionalProperties?: TypeSpec;
}

interface PackageSpec {
  resources: Record<
    string,
    {
      inputProperties: Record<string, TypeSpec>;
      properties: Record<string, TypeSpec>;
      required: string[];
    }
  >;
}

/** The types of the resource `command:local:Command` in a package schema. */
function commandOf(text: string): typeof commandSchema | undefined {
  const resource = (JSON.parse(text) as PackageSpec).resources["command:local:Command"];
  if (resource === undefined) return undefined;
  return {
    inputs: typesOf(resource.inputProperties),
    outputs: typesOf(resource.properties),
    required: resource.required.sort(),
  };
}

function typesOf(properties: Record<string, TypeSpec>): Record<string, string> {
  return Object.fromEntries(Object.entries(properties).map(([name, type]) => [name, typeOf(type)]));
}

function typeOf({ type, $ref, items, additionalProperties }: TypeSpec): string {
  const itemType = items ?? additionalProperties;
  return (type ?? $ref ?? "?") + (itemType === undefined ? "" : ` of ${typeOf(itemType)}`);
}

const inputTypes = {
  addPreviousOutputInEnv: "boolean",
  archivePaths: "array of string",
  assetPaths: "array of string",
  create: "string",
  delete: "string",
  dir: "string",
  environment: "object of string",
  interpreter: "array of string",
  logging: "#/types/command:local:Logging",
  stdin: "string",
  triggers: "array of pulumi.json#/Any",
  update: "string",
};

const commandSchema = {
  inputs: inputTypes as Record<string, string>,
  outputs: {
    ...inputTypes,
    archive: "pulumi.json#/Archive",
    assets: "object of pulumi.json#/Asset",
    stderr: "string",
    stdout: "string",
  } as Record<string, string>,
  required: ["stderr", "stdout"],
};
