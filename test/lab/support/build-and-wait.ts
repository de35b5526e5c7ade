/** A process for tests to kill: builds the lab with the id in its argument, prints "up" and keeps running. */
import { Lab } from "../../../scripts/lab/lab";
import { smallWorld } from "./small-world";

async function main(): Promise<void> {
  await Lab.up(smallWorld(), { id: process.argv[2] ?? "" });
  console.log("up");
  setInterval(() => undefined, 60_000);
}

void main();
