/**
 * A stand-in for the Pulumi plugin `aws`, for the few kinds of resource that an EC2 relay needs, whose Instance boots a
 * virtual machine of the lab. Only in the lab and in tests, and only there where a relay has `ec2`.
 * What is not as on EC2: no instance types (512 MiB, amd64, whatever is asked for), no IPv6, no metadata service (the
 * user data comes as a NoCloud disk), no encryption of disks, no other image than Debian 12, no accounts and no prices.
 */
import * as grpc from "@grpc/grpc-js";
import { engineLog } from "../provider/engine-log";
import { engineAddress, serve } from "../provider/server";
import { awsService } from "./service";

async function main(): Promise<void> {
  process.title = "pulumi-resource-aws";
  await serve(awsService(engineLog(engineAddress(process.argv.slice(2)))), (problem) => ({
    code: grpc.status.UNKNOWN,
    details: problem instanceof Error ? problem.message : String(problem),
  }));
}

void main();
