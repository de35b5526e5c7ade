/**
 * A stand-in for the Pulumi plugin `command` 1.2.1, for `command:local:Command` only: in the lab and in tests, where
 * the real plugin cannot be had. test/command-plugin/cases.ts holds both to the same behaviour.
 */
import * as grpc from "@grpc/grpc-js";
import { engineLog } from "../provider/engine-log";
import { engineAddress, serve } from "../provider/server";
import { Untellable } from "./command";
import { CommandFailure } from "./run";
import { commandService } from "./service";

async function main(): Promise<void> {
  process.title = "pulumi-resource-command";
  // What is not in the service is UNIMPLEMENTED, as in the real plugin: handshake, diffConfig and others.
  await serve(commandService(engineLog(engineAddress(process.argv.slice(2)))), status);
}

function status(problem: unknown): Partial<grpc.StatusObject> {
  const details = problem instanceof Error ? problem.message : String(problem);
  if (problem instanceof CommandFailure) return { code: grpc.status[problem.code], details };
  return {
    code: problem instanceof Untellable ? grpc.status.INTERNAL : grpc.status.UNKNOWN,
    details,
  };
}

void main();
