/**
 * A stand-in for the Pulumi plugin `command` 1.2.1, for `command:local:Command` only: in the lab and in tests, where
 * the real plugin cannot be had. test/command-plugin/cases.ts holds both to the same behaviour.
 * The engine starts it with its own address, reads a port from stdout, and ends it with SIGINT.
 */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import * as fs from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { Untellable } from "./command";
import { engineLog } from "./engine-log";
import { CommandFailure } from "./run";
import { type CommandService, commandService } from "./service";

/** The engine's own limit (pulumi sdk/nodejs/runtime/settings.ts). */
const longestMessage = 400 * 1024 * 1024;

const running = new Set<Promise<unknown>>();

async function main(): Promise<void> {
  process.title = "pulumi-resource-command";
  const service = commandService(engineLog(engineAddress(process.argv.slice(2))));
  const server = new grpc.Server({ "grpc.max_receive_message_length": longestMessage });
  const names = Object.keys(service) as (keyof CommandService)[];
  // What is not here is answered with UNIMPLEMENTED, as the real plugin does for handshake, diffConfig and others.
  const definition = Object.fromEntries(names.map((name) => [name, ResourceProviderService[name]]));
  server.addService(
    definition,
    Object.fromEntries(names.map((name) => [name, unary(service[name] as Handler)])),
  );
  process.stdout.write(`${await bind(server)}\n`);
  endWithEngine(server);
}

/** The one argument that is no flag; flags are the engine's for logging and tracing, which this has not. */
function engineAddress(args: string[]): string | undefined {
  return args.filter((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--tracing").at(-1);
}

type Handler = (request: unknown, hungUp: AbortSignal) => unknown;

function unary(handler: Handler): grpc.handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const hungUp = new AbortController();
    call.on("cancelled", () => {
      hungUp.abort();
    });
    const answer = Promise.resolve().then(() => handler(call.request, hungUp.signal));
    running.add(answer);
    answer
      .then(
        (response) => {
          callback(null, response);
        },
        (problem: unknown) => {
          callback(status(problem));
        },
      )
      .finally(() => running.delete(answer));
  };
}

function status(problem: unknown): Partial<grpc.StatusObject> {
  const details = problem instanceof Error ? problem.message : String(problem);
  if (problem instanceof CommandFailure) return { code: grpc.status[problem.code], details };
  return {
    code: problem instanceof Untellable ? grpc.status.INTERNAL : grpc.status.UNKNOWN,
    details,
  };
}

function bind(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/**
 * When the engine was killed, its calls end as cancelled, here as in the real plugin; but that one then stays for ever,
 * and this one goes. The engine holds the other end of stdin.
 */
function endWithEngine(server: grpc.Server): void {
  const stdin = fs.fstatSync(0);
  if (!stdin.isFIFO() && !stdin.isSocket()) return;
  process.stdin.resume();
  process.stdin.once("end", () => {
    void whenIdle().then(() => {
      server.tryShutdown(() => process.exit(0));
    });
  });
}

async function whenIdle(): Promise<void> {
  while (running.size > 0) await Promise.allSettled(running);
}

void main();
