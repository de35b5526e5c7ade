/**
 * Starts a `pulumi-resource-command` like the engine and serves the engine's side of the gRPC protocol.
 * The plugin is `COMMAND_PLUGIN=/path/to/pulumi-resource-command`, by default the compiled stand-in.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import * as grpc from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";

export interface LogLine {
  severity: number;
  message: string;
  urn: string;
  /** A status message: shown only while it is the latest of its resource. */
  ephemeral: boolean;
}

export interface PluginUnderTest {
  process: ChildProcess;
  client: ResourceProviderClient;
  /** The log lines that the plugin has sent to the engine, oldest first. */
  log: LogLine[];
  /** Its stderr so far. */
  stderr: () => string;
  /** Stops the plugin like the engine: interrupts the process group and waits for the plugin to exit. */
  stop: () => Promise<void>;
  /** Stops the engine's server, as if the engine had been killed. */
  stopEngine: () => void;
}

/** The stand-in; `npm run build` compiles it. */
export const standIn = path.resolve(
  __dirname,
  "../../scripts/lab/command-plugin/bin/pulumi-resource-command",
);

/** The plugin under test. */
export const program = path.resolve(process.env["COMMAND_PLUGIN"] ?? standIn);

/** Starts the plugin in `cwd`, with `env` added to this process's environment. */
export async function startPlugin(
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<PluginUnderTest> {
  const log: LogLine[] = [];
  const engine = await serveEngine(log);
  // In its own process group, so that an interrupt reaches the plugin and its commands (cmdutil/child_unix.go).
  const child = spawn(program, [engine.address], {
    cwd,
    detached: true,
    env: { ...process.env, ...env },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const port = await portOf(child).catch((error: unknown) => {
    engine.server.forceShutdown();
    throw new Error(`${program} did not start (npm run build compiles it):\n${stderr}`, {
      cause: error,
    });
  });
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return {
    process: child,
    client,
    log,
    stderr: () => stderr,
    stopEngine: () => {
      engine.server.forceShutdown();
    },
    stop: async () => {
      client.close();
      engine.server.forceShutdown();
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const exit = once(child, "exit");
      process.kill(-child.pid, "SIGINT");
      await exit;
    },
  };
}

/** Reads the port from the first line of stdout. */
async function portOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const piece of child.stdout ?? []) {
    text += String(piece);
    if (text.includes("\n")) break;
  }
  if (!/^\d+\n/.test(text)) throw new Error(`no port: ${JSON.stringify(text)}`);
  return text.trim();
}

async function serveEngine(log: LogLine[]): Promise<{ server: grpc.Server; address: string }> {
  const server = new grpc.Server();
  const recordLine: grpc.handleUnaryCall<LogRequest, Empty> = (call, callback) => {
    const line = call.request;
    log.push({
      severity: line.getSeverity(),
      message: line.getMessage(),
      urn: line.getUrn(),
      ephemeral: line.getEphemeral(),
    });
    callback(null, new Empty());
  };
  server.addService({ log: EngineService.log }, { log: recordLine });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { server, address: `127.0.0.1:${port}` };
}
