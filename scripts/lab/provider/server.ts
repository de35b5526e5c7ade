/**
 * The gRPC server of the lab's providers. The engine starts a provider with the engine's address as argument, reads the
 * provider's port from stdout, and ends it with SIGINT. What a handler throws becomes the error of the call.
 */
/* eslint-disable no-restricted-imports -- this folder speaks the engine's protocol, nothing else of Pulumi */
import * as fs from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

/** The engine's own limit (pulumi sdk/nodejs/runtime/settings.ts). */
const longestMessage = 400 * 1024 * 1024;

const definition: grpc.ServiceDefinition = { ...ResourceProviderService };
const running = new Set<Promise<unknown>>();

type Handler = (request: unknown, cancelled: AbortSignal) => unknown;
export type StatusOf = (error: unknown) => Partial<grpc.StatusObject>;

/** `service`: handlers by method name; all other methods return UNIMPLEMENTED. */
export async function serve(service: object, statusOf: StatusOf): Promise<void> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": longestMessage });
  const handlers = Object.entries(service) as [string, Handler][];
  const known: Record<string, grpc.MethodDefinition<unknown, unknown>> = { ...definition };
  server.addService(
    Object.fromEntries(
      handlers.flatMap(([name]) => {
        const method = known[name];
        return method === undefined ? [] : [[name, method]];
      }),
    ),
    Object.fromEntries(handlers.map(([name, handler]) => [name, unary(handler, statusOf)])),
  );
  process.stdout.write(`${await bind(server)}\n`);
  endWithEngine(server);
}

/** The only argument that is not a flag; the engine's flags for logging and tracing are not supported. */
export function engineAddress(args: string[]): string | undefined {
  return args.filter((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--tracing").at(-1);
}

function unary(handler: Handler, statusOf: StatusOf): grpc.handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const cancelled = new AbortController();
    call.on("cancelled", () => {
      cancelled.abort();
    });
    const response = Promise.resolve().then(() => handler(call.request, cancelled.signal));
    running.add(response);
    response
      .then(
        (message) => {
          callback(null, message);
        },
        (error: unknown) => {
          callback(statusOf(error));
        },
      )
      .finally(() => running.delete(response));
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
 * Exits when the engine was killed, which closes stdin: running calls end as cancelled first. Real plugins can stay
 * behind in this case.
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
