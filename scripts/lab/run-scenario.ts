/** `npm run lab`: builds a scenario's world, converges its mesh, runs its proofs, and leaves the lab up. */
import * as fs from "node:fs";
import * as path from "node:path";
import pc from "picocolors";
import { keepFormer } from "./former-stack";
import { Lab } from "./lab";
import { exitCode } from "./process";
import { runProofs } from "./proofs";
import type { ProofResult } from "./proofs";
import { findRepository, stackFile } from "./repository";
import type { Scenario } from "./scenario";
import { createStack, hasEc2 } from "./stack";
import type { LabStack } from "./stack";
import { shellLine } from "./log";
import type { LabLog } from "./log";
import { findOrBuildImage } from "./vm/image";

/** The result of a scenario, as printed by `--json`. */
export interface ScenarioResult {
  ok: boolean;
  scenario: string;
  stack: string;
  stackFile: string;
  /** The exit code of `wireguard-mesh up`. */
  converged: number;
  /** The WireGuard implementation in use. */
  wireguard: "kernel" | "wireguard-go" | "unknown";
  /** The stand-ins for real plugins, as sentences. */
  standIns: string[];
  hosts: Record<string, { management: string; hostKey: string; logins: number }>;
  proofs: ProofResult[];
  seconds: { build: number; converge: number; all: number };
}

const CONVERGE = ["npx", "wireguard-mesh", "up", "--yes"];

const EXPLANATION = [
  "Each box is a separate host with its own network, files, processes and sshd. No",
  'packet leaves this machine. The engine runs on "operator", which reaches each',
  "host on a management network.\n",
];

/** @throws LabError when the world or the stack cannot be created; a failed proof is part of the result. */
export async function runScenario(scenario: Scenario, log: LabLog): Promise<ScenarioResult> {
  const startedAt = Date.now();
  const { lab, stack } = await build(scenario, log);
  const builtAt = Date.now();
  const converged = await converge(lab, log);
  const convergedAt = Date.now();
  const wireguard = await wireguardOf(lab);
  if (wireguard === "wireguard-go") {
    log.prose("  WireGuard runs as wireguard-go, because this kernel has no WireGuard module.");
  }
  log.heading("Proof");
  const proofs = await runProofs(lab, scenario.proofs, log);
  const result: ScenarioResult = {
    ok: converged === 0 && proofs.every((proof) => proof.ok),
    scenario: scenario.name,
    stack: stack.name,
    stackFile: stack.file,
    converged,
    wireguard,
    standIns: findStandIns(scenario),
    hosts: hostsOf(lab),
    proofs,
    seconds: {
      build: seconds(builtAt - startedAt),
      converge: seconds(convergedAt - builtAt),
      all: seconds(Date.now() - startedAt),
    },
  };
  log.heading("Made");
  log.prose(`  ${madeText(result)}`);
  printHints(stack, scenario, log);
  return result;
}

function madeText({
  hosts,
  proofs,
  seconds: { build, converge: push },
  ok,
}: ScenarioResult): string {
  const names = Object.keys(hosts);
  const passed = proofs.filter((proof) => proof.ok).length;
  return [
    `${names.length} hosts (${names.join(", ")}) in ${build} s, their WireGuard in ${push} s;`,
    `${passed} of ${proofs.length} proofs passed${ok ? "." : ": look above."}`,
  ].join(" ");
}

async function build(scenario: Scenario, log: LabLog): Promise<{ lab: Lab; stack: LabStack }> {
  log.heading(`The lab "${scenario.name}": ${scenario.title}`);
  log.info(scenario.picture);
  for (const line of EXPLANATION) log.info(line);
  // Before the lab: the first time, building the image takes minutes.
  if (usesEc2(scenario))
    await findOrBuildImage((line) => {
      log.info(`  ${line}`);
    });
  const keep = keepFormer(stackFile(scenario.name), (kept) => {
    log.prose(`  The former lab's stack file is kept as ${path.basename(kept)}.`);
  });
  try {
    const startedAt = Date.now();
    const lab = await Lab.up(scenario.world, { id: scenario.name });
    log.pass(
      `${lab.nodes.length} nodes in ${seconds(Date.now() - startedAt)} s: ${lab.nodes.join(", ")}`,
    );
    const stack = await createStack(lab, scenario.config(lab));
    log.pass(`stack config with new keys: ${path.relative(findRepository(), stack.file)}`);
    for (const standIn of findStandIns(scenario)) log.prose(`  Stand-in: ${standIn}.`);
    return { lab, stack };
  } finally {
    keep();
  }
}

/** Runs `wireguard-mesh up` with its output in the lab's log. @returns its exit code. */
async function converge(lab: Lab, log: LabLog): Promise<number> {
  log.heading("Converge: real program, real engine, over SSH");
  log.command("operator", CONVERGE);
  const child = lab.spawn("operator", CONVERGE, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout?.pipe(process[log.stream], { end: false });
  child.stderr?.pipe(process.stderr, { end: false });
  const code = await exitCode(child);
  if (code !== 0) log.fail(`${shellLine(CONVERGE)} exited with code ${code}`);
  return code;
}

/** Determined from the first host's interface: wireguard-go's is a TUN device. */
async function wireguardOf(lab: Lab): Promise<ScenarioResult["wireguard"]> {
  const [host = ""] = lab.hosts;
  const { stdout } = await lab.exec(host, ["ip", "-d", "link", "show", "wg0"]);
  if (/^\s+wireguard\b/m.test(stdout)) return "kernel";
  return /^\s+tun\b/m.test(stdout) ? "wireguard-go" : "unknown";
}

function usesEc2(scenario: Scenario): boolean {
  return hasEc2(scenario.config({ managementAddress: () => "" }));
}

/** The set-up puts the stand-in for the command plugin on PATH only where the real one is not available. */
function findStandIns(scenario: Scenario): string[] {
  const standInFolder = path.join(findRepository(), "scripts", "lab", "command-plugin");
  const plugin = (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => path.join(folder, "pulumi-resource-command"))
    .find((file) => fs.existsSync(file));
  return [
    ...(plugin?.startsWith(standInFolder) === true
      ? ["Pulumi's command plugin is not available here; the repository's own plugin replaces it"]
      : []),
    ...(usesEc2(scenario)
      ? [
          "AWS is not available here; the repository's own aws plugin replaces it, and its instance is a virtual machine " +
            "with Debian 12 that boots the real user data",
        ]
      : []),
  ];
}

function hostsOf(lab: Lab): ScenarioResult["hosts"] {
  return Object.fromEntries(
    lab.hosts.map((name) => [
      name,
      {
        management: lab.managementAddress(name),
        hostKey: lab.hostKey(name),
        logins: lab.logins(name),
      },
    ]),
  );
}

function printHints(stack: LabStack, scenario: Scenario, log: LabLog): void {
  const example = scenario.proofs.slice(0, 1).map(({ node, command }) => [node, ...command]);
  const host = Object.keys(scenario.world.hosts)[0] ?? "operator";
  const file = path.relative(findRepository(), stack.file);
  const hints = [
    ...example.map((argv) => [
      `npm run lab -- exec ${shellLine(argv)}`,
      "run any command on any node",
    ]),
    [`npm run lab -- exec ${host} bash`, "open a shell on a host"],
    ["npm run lab -- status", "see the tunnels"],
    [`$EDITOR ${file}`, "change the network"],
    ["npm run lab -- exec operator npx wireguard-mesh preview", "see what would change"],
    ["npm run lab -- exec operator npx wireguard-mesh up", "apply it"],
    [`npm run lab -- down ${scenario.name}`, "end the lab"],
  ];
  log.heading("The lab stays up. Try:");
  for (const [command = "", why = ""] of hints) {
    const gap = command.length + why.length + 6 <= 80 ? "  # " : "\n      # ";
    log.info(`  ${command}${pc.dim(gap + why)}`);
  }
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}
