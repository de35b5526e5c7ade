/** `npm run lab`: builds a scenario's world, converges its mesh with the real engine, proves it, and leaves it up. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "./lab";
import { exitCode } from "./process";
import { showProofs } from "./proofs";
import type { Shown } from "./proofs";
import { findRepository } from "./repository";
import type { Scenario } from "./scenario";
import { hasEc2, makeStack } from "./stack";
import type { Stack } from "./stack";
import { shown } from "./talk";
import type { Talk } from "./talk";
import { findOrBuildImage } from "./vm/image";

/** What `--json` prints of a scenario that was run. */
export interface Tour {
  ok: boolean;
  scenario: string;
  stack: string;
  stackFile: string;
  /** `pulumi up`'s exit code. */
  converged: number;
  /** What carries the tunnels. */
  wireguard: "kernel" | "wireguard-go" | "unknown";
  /** What takes the place of a real part, in words. */
  standIns: string[];
  hosts: Record<string, { management: string; hostKey: string; logins: number }>;
  proofs: Shown[];
  seconds: { build: number; converge: number; all: number };
}

const CONVERGE = ["pulumi", "up", "--yes", "--skip-preview", "--continue-on-error"];

/** @throws LabError when the world or the stack cannot be made; a failed proof is in the result. */
export async function tour(scenario: Scenario, talk: Talk): Promise<Tour> {
  const begun = Date.now();
  const { lab, stack } = await build(scenario, talk);
  const built = Date.now();
  const converged = await converge(lab, talk);
  const convergedAt = Date.now();
  const wireguard = await carrier(lab);
  if (wireguard === "wireguard-go") {
    talk.say("  WireGuard here is wireguard-go: this kernel has none of its own.");
  }
  talk.title("Proof");
  const proofs = await showProofs(lab, scenario.proofs, talk);
  howToPlay(stack, scenario, talk);
  return {
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
      build: seconds(built - begun),
      converge: seconds(convergedAt - built),
      all: seconds(Date.now() - begun),
    },
  };
}

async function build(scenario: Scenario, talk: Talk): Promise<{ lab: Lab; stack: Stack }> {
  talk.title(`The lab "${scenario.name}": ${scenario.title}`);
  talk.say(scenario.picture);
  talk.say(
    "Each box is a machine of its own: network, files, processes, sshd. Nothing leaves this",
  );
  talk.say(
    `machine. "operator", where the engine runs, reaches each host on a network of its own.\n`,
  );
  // Machines that are built from packages come first: the first time, that takes minutes.
  if (usesEc2(scenario))
    await findOrBuildImage((line) => {
      talk.say(`  ${line}`);
    });
  const begun = Date.now();
  const lab = await Lab.up(scenario.world, { id: scenario.name });
  talk.good(
    `${lab.nodes.length} nodes in ${seconds(Date.now() - begun)} s: ${lab.nodes.join(", ")}`,
  );
  const stack = await makeStack(lab, scenario.config(lab));
  talk.good(`stack config with new keys: ${path.relative(findRepository(), stack.file)}`);
  for (const standIn of findStandIns(scenario)) talk.say(`  Stand-in: ${standIn}.`);
  return { lab, stack };
}

/** The engine's own words go to where the lab talks. */
async function converge(lab: Lab, talk: Talk): Promise<number> {
  talk.title("Converge: the real program, the real engine, over SSH");
  talk.command("operator", CONVERGE);
  const child = lab.spawn("operator", CONVERGE, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout?.pipe(process[talk.stream], { end: false });
  child.stderr?.pipe(process.stderr, { end: false });
  const code = await exitCode(child);
  if (code !== 0) talk.bad(`${shown(CONVERGE)} ended with exit code ${code}`);
  return code;
}

/** Told from the first host's interface: wireguard-go's is a TUN device. */
async function carrier(lab: Lab): Promise<Tour["wireguard"]> {
  const [host = ""] = lab.hosts;
  const { stdout } = await lab.exec(host, ["ip", "-d", "link", "show", "wg0"]);
  if (/^\s+wireguard\b/m.test(stdout)) return "kernel";
  return /^\s+tun\b/m.test(stdout) ? "wireguard-go" : "unknown";
}

function usesEc2(scenario: Scenario): boolean {
  return hasEc2(scenario.config({ managementAddress: () => "" }));
}

/** The set-up puts the stand-in for the plugin `command` on PATH only where the real one cannot be had. */
function findStandIns(scenario: Scenario): string[] {
  const own = path.join(findRepository(), "scripts", "lab", "command-plugin");
  const plugin = (process.env["PATH"] ?? "")
    .split(":")
    .map((folder) => path.join(folder, "pulumi-resource-command"))
    .find((file) => fs.existsSync(file));
  return [
    ...(plugin?.startsWith(own) === true
      ? ["Pulumi's plugin `command` cannot be had here; the repository's own takes its place"]
      : []),
    ...(usesEc2(scenario)
      ? [
          "Amazon cannot be had here; the repository's own plugin `aws` takes its place, whose instance is a virtual machine " +
            "with Debian 12 that boots the real user data",
        ]
      : []),
  ];
}

function hostsOf(lab: Lab): Tour["hosts"] {
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

function howToPlay(stack: Stack, scenario: Scenario, talk: Talk): void {
  const example = scenario.proofs.slice(0, 1).map(({ node, command }) => [node, ...command]);
  const host = Object.keys(scenario.world.hosts)[0] ?? "operator";
  const file = path.relative(findRepository(), stack.file);
  const hints = [
    ...example.map((argv) => [`npm run lab -- exec ${shown(argv)}`, "any command on any node"]),
    [`npm run lab -- exec ${host} bash`, "a shell there"],
    [`$EDITOR ${file}`, "change the network, then"],
    ["npm run lab -- exec operator pulumi preview --diff", "see what that will do"],
    ["npm run lab -- exec operator pulumi up", "and do it"],
    [`npm run lab -- down ${scenario.name}`, "end the lab"],
  ];
  const width = Math.max(...hints.map(([command = ""]) => command.length));
  talk.title("It stays up. Play with it:");
  for (const [command = "", why = ""] of hints) talk.say(`  ${command.padEnd(width)}  # ${why}`);
}

function seconds(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}
