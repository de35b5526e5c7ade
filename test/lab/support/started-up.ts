/** Starts an `up` of the engine and waits for its first push, for tests that kill it. */
import { once } from "node:events";
import type { MeshLab } from "./mesh-lab";
import { UP } from "./mesh-session";

/**
 * Resolves when the engine's output matches `pushing`: the first push begins. `ended` is its exit code, or null if it was killed.
 */
export async function startedUp(
  { lab }: MeshLab,
  pushing: RegExp,
): Promise<{ ended: Promise<number | null> }> {
  const argv = ["pulumi", ...UP, "--non-interactive"];
  const engine = lab.spawn("operator", argv, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(engine, "exit").then(([code]) => code as number | null);
  let output = "";
  engine.stderr?.resume();
  await new Promise<void>((resolve, reject) => {
    engine.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (pushing.test(output)) resolve();
    });
    void ended.then(() => {
      reject(new Error(`no push began: ${output}`));
    });
  });
  return { ended };
}
