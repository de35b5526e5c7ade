/**
 * Starts a `pulumi-resource-command` the way the engine does and speaks the engine's side of gRPC with it.
 * Which one: `COMMAND_PLUGIN=/path/to/pulumi-resource-command`, else the stand-in straight from its source.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import * as readline from "node:readline";
import * as grpc from "@grpc/grpc-js";
import * as enginerpc from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import * as providerrpc from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

export interface LogLine {
  severity: number;
  message: string;
  urn: string;
  /** A status message: shown while it is the latest of its resource, not kept. */
  ephemeral: boolean;
}

export interface PluginUnderTest {
  /** The real plugin, or the stand-in. */
  name: string;
  process: ChildProcess;
  client: providerrpc.ResourceProviderClient;
  /** What the plugin has told the engine so far, oldest first. */
  log: LogLine[];
  /** Milliseconds from spawn to the port on stdout. */
  startMillis: number;
  /** What the engine does at its end: interrupts the process group, then waits for the plugin to be gone. */
  stop: () => Promise<void>;
  /** Ends the engine that the plugin reports to, as if it had been killed. */
  engineGone: () => void;
}

const root = path.resolve(__dirname, "../..");

/** Starts the plugin in `cwd` with `env` on top of this process's own. */
export async function startPlugin(
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<PluginUnderTest> {
  const log: LogLine[] = [];
  const engine = await serveEngine(log);
  const [file, args] = commandLine();
  const begun = process.hrtime.bigint();
  // A group of its own, so that an interrupt reaches the plugin and its commands together (cmdutil/child_unix.go).
  const child = spawn(file, [...args, engine.address], {
    cwd,
    detached: true,
    env: { ...process.env, TS_NODE_PROJECT: path.join(root, "tsconfig.json"), ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const port = await firstLine(child);
  const startMillis = Number(process.hrtime.bigint() - begun) / 1e6;
  const client = new providerrpc.ResourceProviderClient(
    `127.0.0.1:${port}`,
    grpc.credentials.createInsecure(),
  );
  const stop = async (): Promise<void> => {
    client.close();
    engine.server.forceShutdown();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    await gone;
  };
  return {
    name: file,
    process: child,
    client,
    log,
    startMillis,
    stop,
    engineGone: () => {
      engine.server.forceShutdown();
    },
  };
}

/** The program and first arguments of the plugin that is tested. */
export function commandLine(): [string, string[]] {
  const given = process.env["COMMAND_PLUGIN"];
  if (given !== undefined && given !== "") return [path.resolve(given), []];
  const source = path.join(root, "scripts/lab/command-plugin/main.ts");
  return [process.execPath, ["-r", require.resolve("ts-node/register/transpile-only"), source]];
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the plugin has no stdout");
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(() =>
      Promise.reject(new Error("the plugin ended before it named its port")),
    ),
  ])) as [string];
  return line;
}

async function serveEngine(log: LogLine[]): Promise<{ server: grpc.Server; address: string }> {
  const server = new grpc.Server();
  const note: grpc.handleUnaryCall<LogRequest, Empty> = (call, callback) => {
    const line = call.request;
    log.push({
      severity: line.getSeverity(),
      message: line.getMessage(),
      urn: line.getUrn(),
      ephemeral: line.getEphemeral(),
    });
    callback(null, new Empty());
  };
  server.addService({ log: enginerpc.EngineService.log }, { log: note });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { server, address: `127.0.0.1:${port.toString()}` };
}
