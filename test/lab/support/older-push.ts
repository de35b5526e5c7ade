/** Pushes with the host program of commit 5c9eafb (fixtures/older-host): records of format 2, one message per verb. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import type { PushRequest, RotationTask } from "../../../mesh/push-request";
import type { Lab } from "../../../scripts/lab/lab";
import { newToken } from "../../../scripts/push/conversation";
import { digestOf, sha256 } from "../../../scripts/push/wanted-state";

const FIXTURE = path.join(__dirname, "../../../test/lab/fixtures/older-host/host-of-5c9eafb.sh.gz");

let text: string | null = null;

/** The program, with a last newline, as it is on a host. */
export function olderHostProgram(): string {
  text ??= `${gunzipSync(fs.readFileSync(FIXTURE)).toString()}\n`;
  return text;
}

/** Applies a request and asserts that the change is pending. @returns its token */
export async function olderApply(
  lab: Lab,
  request: PushRequest,
  timeoutS: number,
): Promise<string> {
  const token = newToken();
  const script = olderHostProgram();
  const stdout = await send(lab, "apply", request, {
    ...{ token, timeout: timeoutS, probes: request.probes.join(" "), digest: digestOf(request) },
    ...stateLines(request),
    "script-sha256": sha256(script),
    script: base64(script),
  });
  assert.match(stdout, /^outcome pending$/m);
  return token;
}

export async function olderConfirm(lab: Lab, request: PushRequest, token: string): Promise<void> {
  assert.match(await send(lab, "confirm", request, { token }), /^outcome confirmed$/m);
}

/** Applies and confirms. */
export async function olderPush(lab: Lab, request: PushRequest): Promise<void> {
  await olderConfirm(lab, request, await olderApply(lab, request, 3600));
}

async function send(
  lab: Lab,
  verb: string,
  { interface: name, owner, node, machine }: PushRequest,
  more: Record<string, string | number>,
): Promise<string> {
  const fields = Object.entries({ verb, interface: name, owner, node, machine, ...more });
  const lines = fields.map(([key, value]) => `${key} ${value}`);
  // The program asks its own stdin for an answer.
  const call = `main ${verb === "confirm" ? "7<&0 " : ""}<<'END_OF_PAYLOAD'`;
  const input = [olderHostProgram(), call, ...lines, "end", "END_OF_PAYLOAD", ""].join("\n");
  const done = await lab.exec(node, ["sh", "-s"], { input, timeoutMs: 120_000 });
  assert.equal(done.code, 0, done.stderr);
  return done.stdout;
}

function stateLines(request: PushRequest): Record<string, string | number> {
  return {
    forwarding4: request.forwarding.ipv4 ? 1 : 0,
    forwarding6: request.forwarding.ipv6 ? 1 : 0,
    instances: (request.instances ?? []).join(" "),
    sha256: sha256(request.config),
    config: base64(request.config),
    ...(request.rotation === null ? {} : rotationLines(request.rotation)),
  };
}

function rotationLines({ pairs, alternate, mustShake }: RotationTask): Record<string, string> {
  const keys = {
    pairs: pairs.map(({ current, next }) => `${current}:${next}`).join(" "),
    shake: mustShake.join(" "),
  };
  if (alternate === null) return keys;
  return {
    ...keys,
    alternate: alternate.interface,
    "alternate-sha256": sha256(alternate.config),
    "alternate-config": base64(alternate.config),
  };
}

function base64(plain: string): string {
  return Buffer.from(plain).toString("base64");
}
