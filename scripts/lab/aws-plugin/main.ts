/**
 * A stand-in for Pulumi's aws plugin, with the resources of an EC2 relay. Its Instance boots a virtual machine of the
 * lab. Used only in the lab and in tests, and only if a relay has `ec2`.
 * Differences from EC2: no instance types (always 512 MiB and amd64), no IPv6, no metadata service (the user data comes
 * on a NoCloud disk), no disk encryption, no image but Debian 12.
 */
import * as grpc from "@grpc/grpc-js";
import { engineLog } from "../provider/engine-log";
import { engineAddress, serve } from "../provider/server";
import { awsService } from "./service";

async function main(): Promise<void> {
  process.title = "pulumi-resource-aws";
  await serve(awsService(engineLog(engineAddress(process.argv.slice(2)))), (error) => ({
    code: grpc.status.UNKNOWN,
    details: error instanceof Error ? error.message : String(error),
  }));
}

void main();
