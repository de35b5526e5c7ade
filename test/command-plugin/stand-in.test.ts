/** Intended differences from the real plugin: the stand-in rejects unsupported features and leaves no processes behind. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { callPlugin, startCreate, unaryCall } from "./plugin-call";
import { type PluginUnderTest, program, standIn, startPlugin } from "./plugin-under-test";
import { waitForExit, linesOf } from "./processes";

const describeStandIn = program === standIn ? describe : describe.skip;

describeStandIn("the stand-in for the command plugin", () => {
  let plugin: PluginUnderTest;
  let folder: string;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "command-plugin-"));
    plugin = await startPlugin(folder);
  });

  afterEach(async () => {
    await plugin.stop();
    fs.rmSync(folder, { recursive: true });
  });

  it("rejects assetPaths and archivePaths", async () => {
    const { failures } = await callPlugin(plugin, {
      check: { create: "a", assetPaths: ["*"], archivePaths: ["*"] },
    });
    assert.deepEqual(failures, [
      "archivePaths: the stand-in for the command plugin does not support archivePaths",
      "assetPaths: the stand-in for the command plugin does not support assetPaths",
    ]);
  });

  it("rejects an asset in triggers", async () => {
    const asset = {
      "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
      text: "a",
    };
    assert.deepEqual(await callPlugin(plugin, { check: { create: "a", triggers: [asset] } }), {
      error: "UNKNOWN: the stand-in does not support assets, archives or resource references",
    });
  });

  it("rejects other resources", async () => {
    const request = new rpc.CheckRequest();
    request.setUrn("urn:pulumi:stack::project::command:remote:Command::it");
    request.setNews(Struct.fromJavaScript({ create: "a" }));
    await assert.rejects(
      unaryCall((done) => plugin.client.check(request, done)),
      /the stand-in for the command plugin has no command:remote:Command, only command:local:Command/,
    );
  });

  it("ends a command with a line so long that the real plugin would hang", async () => {
    const { error } = await callPlugin(plugin, {
      create: { create: "printf '%070000d\\n' 0; sleep 60" },
    });
    assert.equal(
      error,
      "UNKNOWN: the stand-in for the command plugin ended the command: a line of more than 65535 bytes on a logged " +
        'stream hangs the real command plugin 1.2.1 forever; set logging to "none"',
    );
  });

  it("ends when the engine was killed, after killing the commands of cancelled calls", async () => {
    const waiting = startCreate(plugin, { create: "echo $$ >> pids; exec sleep 60" });
    const [pid = ""] = await linesOf(path.join(folder, "pids"), 1);
    const exit = once(plugin.process, "exit");
    // Like the kernel after the engine was killed: close connections and pipes.
    plugin.stopEngine();
    plugin.process.stdin?.end();
    waiting.cancel();
    plugin.client.close();
    await waitForExit(pid);
    assert.deepEqual(await exit, [0, null]);
  });

  it("starts through a symbolic link from any folder", () => {
    const link = path.join(folder, "pulumi-resource-command");
    fs.symlinkSync(standIn, link);
    const port = execFileSync(link, { cwd: "/", input: "", encoding: "utf8" });
    assert.match(port, /^\d+\n$/);
  });
});
