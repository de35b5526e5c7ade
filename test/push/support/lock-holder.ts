/** A process that takes a push lock, prints "held" and keeps it until it is killed. */
import { withPushLock } from "../../../scripts/push/lock";

const [, , owner = "", node = ""] = process.argv;
void withPushLock({ owner, node }, () => {
  process.stdout.write("held\n");
  return new Promise(() => setInterval(() => undefined, 60_000));
});
