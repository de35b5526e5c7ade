/**
 * A stand-in for version 1.2.1 of Pulumi's command plugin, with `command:local:Command` only: for the lab and tests
 * where the real plugin is not available. The cases of test/command-plugin test both.
 */
import "../provider/compile-cache";
import * as grpc from "@grpc/grpc-js";
import { engineLog } from "../provider/engine-log";
import { engineAddress, serve } from "../provider/server";
import { InvalidOutput } from "./command";
import { CommandFailure } from "./run";
import { commandService } from "./service";

async function main(): Promise<void> {
  process.title = "pulumi-resource-command";
  // Methods that are not in the service return UNIMPLEMENTED, as in the real plugin: handshake, diffConfig and others.
  await serve(commandService(engineLog(engineAddress(process.argv.slice(2)))), status);
}

function status(error: unknown): Partial<grpc.StatusObject> {
  const details = error instanceof Error ? error.message : String(error);
  if (error instanceof CommandFailure) return { code: grpc.status[error.code], details };
  return {
    code: error instanceof InvalidOutput ? grpc.status.INTERNAL : grpc.status.UNKNOWN,
    details,
  };
}

void main();
