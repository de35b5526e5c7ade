/** Runs a scenario's proofs: commands that the user can repeat, with expected results. */
import { poll } from "../poll";
import type { Lab } from "./lab";
import type { CommandResult } from "./process";
import type { Proof } from "./scenario";
import { shellLine } from "./log";
import type { LabLog } from "./log";

/** A peer whose first handshake failed retries after 5 seconds (WireGuard's REKEY_TIMEOUT). */
const LIMIT_MS = 15_000;
const PAUSE_MS = 500;

export interface ProofResult {
  title: string;
  node: string;
  /** As typed in a shell on the node. */
  command: string;
  ok: boolean;
  code: number;
  output: string;
}

interface Outcome {
  finished: CommandResult;
  ok: boolean;
}

/** Runs all proofs, even after one has failed. Failing proofs are retried, for at most 15 seconds in total. */
export async function runProofs(lab: Lab, proofs: Proof[], log: LabLog): Promise<ProofResult[]> {
  const results: ProofResult[] = [];
  const deadline = Date.now() + LIMIT_MS;
  for (const proof of proofs) {
    const { finished, ok } = await runProof(lab, proof, deadline);
    (ok ? log.pass : log.fail)(proof.title);
    log.command(proof.node, proof.command);
    const output = (finished.stdout + finished.stderr).trim();
    log.output(output);
    const { title, node } = proof;
    results.push({
      title,
      node,
      command: shellLine(proof.command),
      ok,
      code: finished.code,
      output,
    });
  }
  return results;
}

/** A proof that expects no answer runs once; others are retried until the deadline. */
async function runProof(lab: Lab, proof: Proof, deadline: number): Promise<Outcome> {
  let finished = await lab.exec(proof.node, proof.command);
  const retry = async (): Promise<true | undefined> => {
    finished = await lab.exec(proof.node, proof.command);
    return isMet(proof, finished) ? true : undefined;
  };
  const mayRetry =
    proof.expect !== "silence" && proof.expect !== "no connection" && !isMet(proof, finished);
  if (mayRetry) await poll(retry, { limitMs: deadline - Date.now(), pauseMs: PAUSE_MS });
  return { finished, ok: isMet(proof, finished) };
}

function isMet({ expect }: Proof, { code, stdout }: CommandResult): boolean {
  if (expect === "answers") return code === 0;
  if (expect === "silence") return code === 1;
  if (expect === "no connection") return code === 124 || code === 1;
  return expect.test(stdout);
}
