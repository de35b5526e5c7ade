/** A host whose packet filter cannot be loaded at boot: no packet passes unfiltered, and the host stays reachable. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decide } from "../../../mesh/host/decide";
import { differences } from "../../../mesh/host/differences";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { requestWithoutSecrets } from "../../../mesh/render/push-request";
import { hostKeyLine } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey, keys } from "../../support/small-network";
import { RELAY } from "./support/examples";
import { sha256, type Host } from "./support/host";
import { boot, freshHost } from "./support/hosts";
import { push } from "./support/pushes";
import { currentKey, requestOf } from "./support/requests";
import { look, OPTIONS } from "./support/situations";

const LIVE = "/etc/wireguard/wg0.conf";
const [A, B] = ["/etc/wireguard/wg0.a.nft", "/etc/wireguard/wg0.b.nft"];

describe("a host whose packet filter cannot be loaded at boot", () => {
  it("has no interface, if it is reached in another way too", () => {
    const host = bootWithout(pushed(null));
    assert.equal(host.links.has("wg0"), false);
  });

  it("has only its relays as peers, if it is reached only through the tunnel", () => {
    const host = bootWithout(pushed([currentKey(1)]));
    assert.deepEqual([...(host.links.get("wg0")?.wg?.peers.keys() ?? [])], [currentKey(0)]);
  });

  it("gets filter and peers back with the next push", () => {
    const host = bootWithout(pushed([currentKey(1)]));
    const wanted = wantedWith([currentKey(1)]);
    const { live } = differences(look(host, wanted), wanted);
    assert.deepEqual(
      live.map(({ kind }) => kind),
      ["peer", "filter"],
    );
    push(host, wanted);
    assert.equal(decide(look(host, wanted), wanted, OPTIONS).kind, "nothing");
    boot(host);
    assert.deepEqual(differences(look(host, wanted), wanted).live, []);
    assert.deepEqual([host.files.has(A), host.files.has(B)].sort(), [false, true]);
  });

  it("has a list of the peers that are not relays, if it is reached only through the tunnel", () => {
    const otherPeers = (host: string | string[]) => {
      const plan = planOf(
        changed({
          relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
          peers: {
            desktop: { host, hostKey: hostKeyLine(1), endpoint: "203.0.113.7:51820" },
            laptop: { host: "root@203.0.113.8", hostKey: hostKeyLine(2) },
          },
          policy: [
            { from: ["laptop"], to: ["desktop"], ports: ["tcp/443"] },
            { from: ["desktop"], to: ["laptop"] },
          ],
        }),
      );
      return requestWithoutSecrets(nodeIn(plan, "desktop"), plan, "owner").onlyWithFilter;
    };
    assert.deepEqual(otherPeers("root@via:tokyo"), [keys.laptop.publicKey]);
    assert.equal(otherPeers(["root@203.0.113.7", "root@via:tokyo"]), undefined);
  });

  it("has hooks that are valid in bash", () => {
    const hooks = hooksOf(pushed([currentKey(1)]));
    const remove = `wg set wg0 peer ${currentKey(1)} remove`;
    assert.deepEqual(run(hooks, { nft: "exit 1" }), [[0, 0], [remove]]);
    assert.deepEqual(run(hooks, { nft: "exit 0" }), [[0, 0], []]);
    const closed = hooksOf(pushed(null));
    assert.deepEqual(run(closed, { nft: "exit 1" }), [[1], []]);
  });
});

/** The lines of PreUp and PostUp of the live file, with a filter that is there. */
function hooksOf(host: Host): string[] {
  const lines = (host.files.get(LIVE) ?? "").split("\n");
  const hooks = lines.flatMap((line) => /^(?:PreUp|PostUp) = (.*)$/.exec(line)?.[1] ?? []);
  return hooks.map((hook) => hook.replaceAll(A, "/etc/passwd"));
}

/** @returns exit codes, and the calls of wg */
function run(hooks: readonly string[], { nft }: { nft: string }): [(number | null)[], string[]] {
  const folder = mkdtempSync(join(tmpdir(), "wgm-hooks-"));
  const programs = { nft, wg: 'echo "wg $*"' };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  const runs = hooks.map((hook) => spawnSync("bash", ["-ec", hook], { env, encoding: "utf8" }));
  rmSync(folder, { recursive: true });
  const calls = runs.flatMap(({ stdout }) => stdout.split("\n").filter((line) => line !== ""));
  return [runs.map(({ status }) => status), calls];
}

function bootWithout(host: Host): Host {
  host.files.delete(A);
  boot(host);
  return host;
}

function pushed(onlyWithFilter: string[] | null): Host {
  const host = freshHost();
  push(host, wantedWith(onlyWithFilter));
  return host;
}

function wantedWith(onlyWithFilter: string[] | null): Wanted {
  const request = requestOf({ ...RELAY, filter: 0 });
  const more = onlyWithFilter === null ? {} : { onlyWithFilter };
  return wantedOf({ ...request, ...more }, sha256("wanted"), publicKeyOf);
}
