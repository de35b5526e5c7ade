/** Tells the engine what it shall show: the output of running commands. */
/* eslint-disable no-restricted-imports -- this folder is a provider: it speaks the engine's protocol, nothing else of Pulumi */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";

export type EngineLog = (urn: string, line: string) => Promise<void>;

/**
 * Lines go as status messages: the engine shows each while it is the latest of its resource. Without an engine, or when
 * it cannot be reached, they go to stderr; that nobody reads that either ends the plugin (the real one by SIGPIPE).
 */
export function engineLog(address: string | undefined): EngineLog {
  if (address === undefined) return (urn, line) => complain(urn, line, "no engine");
  const client = new EngineClient(address, grpc.credentials.createInsecure());
  return (urn, line) => {
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setMessage(line);
    request.setUrn(urn);
    request.setEphemeral(true);
    return new Promise((resolve) => {
      client.log(request, (error) => {
        resolve(error === null ? undefined : complain(urn, line, error.message));
      });
    });
  };
}

function complain(urn: string, line: string, why: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(`INFO ${line} hostLogFailed=${JSON.stringify(why)} urn=${urn}\n`, () => {
      resolve();
    });
  });
}
