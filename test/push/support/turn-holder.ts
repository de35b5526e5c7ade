/** A process that takes a login turn, prints "held" and keeps it until it is killed. */
import { takeTurn } from "../../../scripts/push/login-turns";

const [, , address = ""] = process.argv;
const hop = { user: "root", address, port: 22, hostKeys: [] };
void takeTurn({ kind: "ssh", hop, via: [hop] } as never, false).then(() => {
  process.stdout.write("held\n");
  setInterval(() => undefined, 60_000);
});
