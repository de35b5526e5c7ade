/** `metrics`: the state of the network for Prometheus. */
import { dirname } from "node:path";
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { isStdout, writeResult } from "../cli/secret-output";
import { queryHosts } from "../stack/query-hosts";
import { openAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { expositionText, familiesOf } from "./metrics/exposition";

interface MetricsOptions extends CommonOptions {
  out?: string;
}

export function metricsCommand(): Command {
  return newCommand("metrics", {
    description:
      "Print the state of the network as metrics for Prometheus: traffic and handshakes, with the names of prometheus_wireguard_exporter, and differences from the plan. With --out it replaces a file atomically, as the textfile collector of node_exporter needs it. The exit code is 0 whenever the metrics were written, even if they show problems.",
    examples: ["metrics", "metrics --out /var/lib/node_exporter/textfile/wireguard-mesh.prom"],
  })
    .option(...STACK_OPTION)
    .option("-o, --out <file>", "write them to this file (mode 0644) instead; - is stdout")
    .action(metrics);
}

async function metrics(options: MetricsOptions): Promise<void> {
  const { out = "-" } = options;
  const access = await openAccess(openStack(options.stack));
  const answers = await queryHosts(access.plan.nodes, access);
  const families = familiesOf(access, answers, Date.now() / 1000);
  const text = expositionText(families);
  if (isStdout(out)) {
    print(options, { families }, text);
    return;
  }
  // node_exporter runs as another user.
  const remedy = `its folder must exist, and this user may write there: ls -ld ${dirname(out)}`;
  writeResult(out, text, 0o644, remedy);
  print(options, { file: out }, "");
}
