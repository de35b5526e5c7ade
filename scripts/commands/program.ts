/** Runs one command of the table and turns whatever happens into words and an exit code. */
import { Command, CommanderError } from "commander";
import pc from "picocolors";
import { Mistake } from "../../mesh/config/mistake";
import { Failure } from "../stack/failure";
import { say } from "./command";

/** Resolves to the exit code: 0, 1 or 2. Never rejects. */
export async function runProgram(commands: readonly Command[], args: string[]): Promise<number> {
  const program = new Command("wireguard-mesh")
    .description("A WireGuard network: its config reviewed, converged by Pulumi, and watched.")
    .helpCommand(false)
    .exitOverride();
  for (const command of commands) program.addCommand(command);
  try {
    process.exitCode = undefined;
    await program.parseAsync(args, { from: "user" });
    return exitCode();
  } catch (problem) {
    return report(problem, args.includes("--json"));
  }
}

/** Read by a function, since the compiler believes that it is still what was assigned before. */
function exitCode(): number {
  return Number(process.exitCode ?? 0);
}

function report(problem: unknown, json: boolean): number {
  // Commander has said already what is wrong; help asked for is no mistake.
  if (problem instanceof CommanderError) return problem.exitCode === 0 ? 0 : 2;
  const failure = problem instanceof Failure ? problem : failureOf(problem);
  const { message, remedy, exitCode } = failure;
  say(`${pc.red("error:")} ${message}${remedy === null ? "" : `\n  ${remedy}`}`);
  if (json) {
    const error = { message, ...(remedy === null ? {} : { remedy }) };
    process.stdout.write(`${JSON.stringify({ ok: false, error }, null, 2)}\n`);
  }
  return exitCode;
}

/** A value that was typed wrongly; else a mistake of this program or of the machine it runs on, e.g. a full disk. */
function failureOf(problem: unknown): Failure {
  if (problem instanceof Mistake) return new Failure(problem.message, problem.remedy, 2);
  return new Failure(problem instanceof Error ? problem.message : String(problem));
}
