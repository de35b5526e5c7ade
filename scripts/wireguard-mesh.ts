#!/usr/bin/env node
/** `npx wireguard-mesh COMMAND`. */
import { addPeerCommand } from "./commands/add-peer";
import { completionCommand } from "./commands/completion";
import { configCommand } from "./commands/config";
import { doctorCommand } from "./commands/doctor";
import { graphCommand } from "./commands/graph";
import { handOverCommand } from "./commands/hand-over";
import { importCommand } from "./commands/import";
import { initCommand } from "./commands/init";
import { keygenCommand } from "./commands/keygen";
import { pingCommand } from "./commands/ping";
import { metricsCommand } from "./commands/metrics";
import { planCommand } from "./commands/plan";
import { previewCommand } from "./commands/preview";
import { runProgram } from "./cli/program";
import { qrCommand } from "./commands/qr";
import { removePeerCommand } from "./commands/remove-peer";
import { repushCommand } from "./commands/repush";
import { rollbackCommand } from "./commands/rollback";
import { rotateCommand } from "./commands/rotate";
import { sshCommand } from "./commands/ssh";
import { sshConfigCommand } from "./commands/ssh-config";
import { statusCommand } from "./commands/status";
import { upCommand } from "./commands/up";

/** In the order of `--help`. */
export const commands = [
  initCommand(),
  importCommand(),
  addPeerCommand(),
  removePeerCommand(),
  planCommand(),
  previewCommand(),
  upCommand(),
  repushCommand(),
  rollbackCommand(),
  rotateCommand(),
  keygenCommand(),
  statusCommand(),
  doctorCommand(),
  pingCommand(),
  graphCommand(),
  metricsCommand(),
  sshCommand(),
  sshConfigCommand(),
  configCommand(),
  qrCommand(),
  handOverCommand(),
  completionCommand(),
];

// Not when this file is only imported for the list, as by scripts/docs.
if (require.main === module) {
  // Each write reports its own error; see cli/stdout.ts.
  process.stdout.on("error", () => undefined);
  // A command goes on if its progress cannot be printed.
  process.stderr.on("error", () => undefined);
  void runProgram(commands, process.argv.slice(2)).then((exitCode) => {
    process.exitCode = exitCode;
  });
}
