/**
 * Starts a `pulumi-resource-command` the way the engine does and speaks the engine's side of gRPC with it.
 * Which one: `COMMAND_PLUGIN=/path/to/pulumi-resource-command`, else the stand-in, as compiled.
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
  /** A status message: shown while it is the latest of its resource, not kept. */
  ephemeral: boolean;
}

export interface PluginUnderTest {
  process: ChildProcess;
  client: ResourceProviderClient;
  /** What the plugin has told the engine so far, oldest first. */
  log: LogLine[];
  /** What it has written to stderr so far. */
  stderr: () => string;
  /** What the engine does at its end: interrupts the process group, then waits for the plugin to be gone. */
  stop: () => Promise<void>;
  /** Ends the engine that the plugin reports to, as if it had been killed. */
  engineGone: () => void;
}

/** The stand-in's program; it needs the compiled code of `npm run build`. */
export const standIn = path.resolve(
  __dirname,
  "../../scripts/lab/command-plugin/bin/pulumi-resource-command",
);

/** The program that is tested. */
export const program = path.resolve(process.env["COMMAND_PLUGIN"] ?? standIn);

/** Starts the plugin in `cwd` with `env` on top of this process's own. */
export async function startPlugin(
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<PluginUnderTest> {
  const log: LogLine[] = [];
  const engine = await serveEngine(log);
  // A group of its own, so that an interrupt reaches the plugin and its commands together (cmdutil/child_unix.go).
  const child = spawn(program, [engine.address], {
    cwd,
    detached: true,
    env: { ...process.env, ...env },
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const port = await portOf(child).catch((problem: unknown) => {
    engine.server.forceShutdown();
    throw new Error(`${program} did not start (npm run build compiles it):\n${stderr}`, {
      cause: problem,
    });
  });
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return {
    process: child,
    client,
    log,
    stderr: () => stderr,
    engineGone: () => {
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

/** The first line of stdout. */
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
  server.addService({ log: EngineService.log }, { log: note });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { server, address: `127.0.0.1:${port}` };
}
