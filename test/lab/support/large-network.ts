/** Pushes to a stack's relay as with more devices and a policy, without the engine, which would take too long. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { readMesh } from "../../../mesh/mesh";
import { renderRedacted } from "../../../mesh/render/render";
import { renderPushRequest } from "../../../mesh/render/push-request";
import { Secret } from "../../../mesh/secret";
import type { PushRequest, PushResult } from "../../../mesh/push-request";
import { readConfig } from "../../../scripts/stack/stack-file";
import { newKeyPair } from "../../support/key-pairs";
import { nodeIn } from "../../support/plan-of";
import type { MeshLab } from "./mesh-lab";
import { succeeded } from "./mesh-session";
import { push } from "./pushing";
import type { StackConfig } from "./stack-secrets";

interface More {
  devices?: number;
  policy?: unknown;
}

/** A push to the node `relay`. The configs of its other hosts must stay the same. */
export async function relayPusher(
  mesh: MeshLab,
): Promise<(more?: More) => Promise<PushResult["outcome"]>> {
  const { lab, stack } = mesh;
  const raw = readConfig(fs.readFileSync(stack.file, "utf8"), stack.file);
  const shown = succeeded(await mesh.pulumi("config", "--show-secrets", "--json"));
  const config = JSON.parse(shown.stdout) as StackConfig;
  const secret = (key: string) => config[`wireguard-mesh:${key}`]?.value ?? "";
  const privateKeys = Object.entries(JSON.parse(secret("privateKeys")) as Record<string, string>);
  const keyring = {
    privateKeys: new Map(privateKeys.map(([name, key]) => [name, Secret.of(key)])),
    formerPrivateKeys: new Map<string, Secret>(),
    presharedKeySeed: Secret.of(secret("presharedKeySeed")),
    sshPrivateKey: Secret.of(lab.sshPrivateKey()),
    sshAuthoritySeed: null,
  };
  const keys = new Map<number, string>();
  const device = (at: number) => {
    const publicKey = keys.get(at) ?? newKeyPair().publicKey;
    keys.set(at, publicKey);
    const address = `10.0.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`;
    return { address, publicKey, tags: [at % 3 === 0 ? "red" : "guest"] };
  };
  const planWith = ({ devices = 0, policy }: More) => {
    const added = Array.from({ length: devices }, (_, at) => [`d${at}`, device(at)] as const);
    const peers = { ...(raw["peers"] as object), ...Object.fromEntries(added) };
    const { plan, issues } = readMesh({ ...raw, peers, policy }, Date.now());
    assert.ok(plan !== null, JSON.stringify(issues));
    return plan;
  };
  const before = planWith({});
  return async (more = {}) => {
    const plan = planWith(more);
    for (const { name, hosts } of before.nodes) {
      if (hosts.length === 0 || name === "relay") continue;
      const [was, is] = [before, plan].map((of) => renderRedacted(nodeIn(of, name), of.network));
      assert.equal(is, was);
    }
    const owner = `wireguard-mesh/${stack.name}`;
    const request = renderPushRequest(nodeIn(plan, "relay"), plan, keyring, owner).reveal();
    const done = succeeded(await push(lab, "apply", JSON.parse(request) as PushRequest));
    return (JSON.parse(done.stdout) as PushResult).outcome;
  };
}
