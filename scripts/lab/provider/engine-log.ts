/** Sends log lines to the engine, which shows them with their resource. */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

export type EngineLog = (urn: string, line: string) => Promise<void>;

/**
 * Lines are sent as ephemeral messages: the engine shows the latest one of each resource. Without an engine, or when it
 * cannot be reached, they go to stderr; if that is closed, the plugin ends (the real one by SIGPIPE).
 */
export function engineLog(address: string | undefined): EngineLog {
  if (address === undefined) return (urn, line) => logToStderr(urn, line, "no engine");
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  return (urn, line) => {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setMessage(line);
    request.setUrn(urn);
    request.setEphemeral(true);
    return new Promise((resolve) => {
      client.log(request, (error) => {
        resolve(error === null ? undefined : logToStderr(urn, line, error.message));
      });
    });
  };
}

function logToStderr(urn: string, line: string, why: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(`INFO ${line} hostLogFailed=${JSON.stringify(why)} urn=${urn}\n`, () => {
      resolve();
    });
  });
}
