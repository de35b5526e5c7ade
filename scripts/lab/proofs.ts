/** Shows that what a scenario promises is true, with the very commands that anybody can repeat. */
import type { Lab } from "./lab";
import { waitFor } from "./process";
import type { Finished } from "./process";
import type { Proof } from "./scenario";
import { shown } from "./talk";
import type { Talk } from "./talk";

/** A peer whose first handshake was too early tries again after 5 seconds (WireGuard's REKEY_TIMEOUT). */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 500;

export interface Shown {
  title: string;
  node: string;
  /** As one could type it on the node. */
  command: string;
  ok: boolean;
  code: number;
  output: string;
}

interface Result {
  finished: Finished;
  ok: boolean;
}

/** Runs all proofs, also after one has failed. Together they may wait 15 seconds for what is still on its way. */
export async function showProofs(lab: Lab, proofs: Proof[], talk: Talk): Promise<Shown[]> {
  const results: Shown[] = [];
  const deadline = Date.now() + PATIENCE_MS;
  for (const proof of proofs) {
    const { finished, ok } = await show(lab, proof, deadline);
    (ok ? talk.good : talk.bad)(proof.title);
    talk.command(proof.node, proof.command);
    const output = (finished.stdout + finished.stderr).trim();
    talk.output(output);
    const { title, node } = proof;
    results.push({ title, node, command: shown(proof.command), ok, code: finished.code, output });
  }
  return results;
}

/** Whoever is to keep silent is asked once; whoever is to answer may take its time. */
async function show(lab: Lab, proof: Proof, deadline: number): Promise<Result> {
  let finished = await lab.exec(proof.node, proof.command);
  const again = async (): Promise<true | undefined> => {
    finished = await lab.exec(proof.node, proof.command);
    return isShown(proof, finished) ? true : undefined;
  };
  const mayWait =
    proof.expect !== "silence" && proof.expect !== "no connection" && !isShown(proof, finished);
  if (mayWait) await waitFor(again, deadline - Date.now(), PAUSE_MS);
  return { finished, ok: isShown(proof, finished) };
}

function isShown({ expect }: Proof, { code, stdout }: Finished): boolean {
  if (expect === "answers") return code === 0;
  if (expect === "silence") return code === 1;
  if (expect === "no connection") return code === 124 || code === 1;
  return expect.test(stdout);
}
