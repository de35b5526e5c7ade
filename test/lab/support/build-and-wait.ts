/** A builder to be killed: builds the lab that its argument names, says so, and stays. */
import { Lab } from "../../../scripts/lab/lab";
import { smallWorld } from "./small-world";

async function main(): Promise<void> {
  await Lab.up(smallWorld(), { id: process.argv[2] ?? "" });
  console.log("up");
  setInterval(() => undefined, 60_000);
}

void main();
