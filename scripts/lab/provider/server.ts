/**
 * What every provider of the lab has in common: the engine starts it with its own address, reads a port from stdout, and
 * ends it with SIGINT. Calls are answered by a service; what the service throws becomes the call's error.
 */
/* eslint-disable no-restricted-imports -- this folder speaks the engine's protocol, nothing else of Pulumi */
import * as fs from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";

/** The engine's own limit (pulumi sdk/nodejs/runtime/settings.ts). */
const longestMessage = 400 * 1024 * 1024;

const definition: grpc.ServiceDefinition = { ...ResourceProviderService };
const running = new Set<Promise<unknown>>();

type Handler = (request: unknown, hungUp: AbortSignal) => unknown;
export type StatusOf = (problem: unknown) => Partial<grpc.StatusObject>;

/** `service`: the calls that it answers by name; all others are answered with UNIMPLEMENTED. */
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

/** The one argument that is no flag; flags are the engine's for logging and tracing, which this has not. */
export function engineAddress(args: string[]): string | undefined {
  return args.filter((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--tracing").at(-1);
}

function unary(handler: Handler, statusOf: StatusOf): grpc.handleUnaryCall<unknown, unknown> {
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
          callback(statusOf(problem));
        },
      )
      .finally(() => running.delete(answer));
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
 * When the engine was killed, its calls end as cancelled, here as in real plugins; but those may then stay for ever,
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
