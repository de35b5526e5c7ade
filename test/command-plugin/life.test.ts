/**
 * How plugin `command` 1.2.1 starts, what it says of itself, and what becomes of running commands when something ends:
 * the operation, the engine, the plugin. Like cases.test.ts this can be put to the real plugin.
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
import { type Answer, ask, call, startCreate } from "./ask";
import { type PluginUnderTest, startPlugin } from "./plugin-under-test";
import { end, gone, isAlive, linesOf } from "./processes";

/** Notes its process id, then is the program that waits. */
const waits = "echo $$ >> pids; exec sleep 60";
/** The same, with a program of its own that waits too. */
const bothWait = "sleep 60 & echo $! >> pids; echo $$ >> pids; wait";

describe("the life of the command plugin", () => {
  let plugin: PluginUnderTest;
  let folder: string;
  const pids = (count: number): Promise<string[]> => linesOf(path.join(folder, "pids"), count);
  const run = (create: string): Promise<Answer> => ask(plugin, { create: { create } });

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

  it("says which version it is, and takes secrets, unknowns and previews", async () => {
    const info = await call<{ getVersion(): string }>((done) =>
      plugin.client.getPluginInfo(new Empty(), done),
    );
    assert.equal(info.getVersion(), "1.2.1");
    const able = await call<rpc.ConfigureResponse>((done) =>
      plugin.client.configure(new rpc.ConfigureRequest(), done),
    );
    assert.deepEqual(
      [able.getAcceptsecrets(), able.getAcceptoutputs(), able.getAcceptresources()],
      [true, true, true],
    );
    assert.equal(able.getSupportspreview(), true);
  });

  it("leaves the version of its framework in the provider's state", async () => {
    const request = new rpc.CheckRequest();
    request.setNews(Struct.fromJavaScript({ version: "1.2.1" }));
    const response = await call<rpc.CheckResponse>((done) =>
      plugin.client.checkConfig(request, done),
    );
    assert.deepEqual(response.getInputs()?.toJavaScript(), {
      version: "1.2.1",
      "__pulumi-go-provider-version": "1.2.0",
    });
  });

  it("has no handshake, no diffConfig and no list", async () => {
    const unimplemented = { code: grpc.status.UNIMPLEMENTED };
    const { client } = plugin;
    await assert.rejects(
      call((done) => client.handshake(new rpc.ProviderHandshakeRequest(), done)),
      unimplemented,
    );
    await assert.rejects(
      call((done) => client.diffConfig(new rpc.DiffRequest(), done)),
      unimplemented,
    );
  });

  it("has the schema of 1.2.1", async () => {
    const response = await call<rpc.GetSchemaResponse>((done) =>
      plugin.client.getSchema(new rpc.GetSchemaRequest(), done),
    );
    assert.deepEqual(commandOf(response.getSchema()), commandSchema);
  });

  it("runs commands side by side", async () => {
    const all = 20;
    const together = `echo $$ >> pids; until [ "$(wc -l < pids)" -ge ${all} ]; do sleep 0.05; done`;
    const answers = await Promise.all(Array.from({ length: all }, () => run(together)));
    assert.deepEqual(
      answers.map(({ error }) => error),
      answers.map(() => undefined),
    );
  });

  it("cancelled, it kills what runs and starts nothing more", async () => {
    const answer = run(waits);
    const [pid = ""] = await pids(1);
    await call((done) => plugin.client.cancel(new Empty(), done));
    assert.deepEqual(await answer, { error: `UNKNOWN: signal: killed: running "${waits}":\n` });
    assert.equal(isAlive(pid), false);
    assert.deepEqual(await run("echo late"), {
      error: 'CANCELLED: context canceled: running "echo late":\n',
    });
    assert.deepEqual(await ask(plugin, { check: { create: "a" } }), {
      properties: { create: "a" },
    });
  });

  it("cancelled, it kills the command alone, and waits for what else has its output open", async () => {
    const answer = run(bothWait);
    const [child = "", command = ""] = await pids(2);
    await call((done) => plugin.client.cancel(new Empty(), done));
    await gone(command);
    assert.equal(isAlive(child), true);
    end(child);
    assert.deepEqual(await answer, { error: `UNKNOWN: signal: killed: running "${bothWait}":\n` });
  });

  it("kills a command for whose answer nobody waits any more, as when the engine was killed", async () => {
    const waiting = startCreate(plugin, { create: waits });
    const [pid = ""] = await pids(1);
    waiting.cancel();
    await gone(pid);
  });

  it("runs a command to its end when its output cannot be shown any more", async () => {
    const patient =
      "echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; echo said; echo done >> pids";
    const answer = run(patient);
    await pids(1);
    plugin.engineGone();
    fs.writeFileSync(path.join(folder, "go"), "");
    assert.deepEqual(await answer, {
      properties: { create: patient, stdout: "said", stderr: "" },
    });
    assert.equal((await pids(2))[1], "done");
    assert.match(plugin.stderr(), /INFO said hostLogFailed=/);
  });

  it("interrupted, it ends at once, and commands that do not mind the interrupt go on", async () => {
    void run(`trap '' INT; ${waits}`);
    const [pid = ""] = await pids(1);
    const exit = once(plugin.process, "exit");
    process.kill(-(plugin.process.pid ?? 0), "SIGINT");
    assert.deepEqual(await exit, [null, "SIGINT"]);
    assert.equal(isAlive(pid), true);
  });

  for (const signal of ["SIGTERM", "SIGHUP", "SIGKILL"] as const) {
    it(`ended by ${signal}, it leaves its commands running, with nobody to read them`, async () => {
      void run(
        "echo $$ >> pids; until [ -e go ]; do sleep 0.05; done; echo unread; echo no >> pids",
      );
      const [pid = ""] = await pids(1);
      const exit = once(plugin.process, "exit");
      plugin.process.kill(signal);
      assert.deepEqual(await exit, [null, signal]);
      assert.equal(isAlive(pid), true);
      fs.writeFileSync(path.join(folder, "go"), "");
      await gone(pid);
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

/** Of a package's schema what a program can rely on: the types of our one resource. */
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
  const of = items ?? additionalProperties;
  return (type ?? $ref ?? "?") + (of === undefined ? "" : ` of ${typeOf(of)}`);
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
