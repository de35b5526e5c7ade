/** A host that sends everything into the tunnel always stays reachable at its own addresses: no rule without its table. */
import assert from "node:assert/strict";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { neighbour, RELAY } from "./support/examples";
import { sha256, type Host } from "./support/host";
import { boot } from "./support/hosts";
import { push, pushed, runOf } from "./support/pushes";
import { currentKey, filterAt, requestOf } from "./support/requests";
import { round } from "./support/rounds";

const LEAVES = "\tchain answering {\n\t\tct mark 0x0000ca6c meta mark set ct mark accept\n\t}\n";
const ONLY_OWN_WAY = `table inet wireguard-mesh-wg0 {\n${LEAVES}}\n`;
const BOTH = filterAt(0).replace(/^}$/m, `\n${LEAVES}}`);

interface State {
  sendsAll: boolean;
  filter: string | null;
  onlyWithFilter?: string[];
}

const STATES: Record<string, State> = {
  plain: { sendsAll: false, filter: null },
  "with a policy": { sendsAll: false, filter: filterAt(0) },
  "that sends everything": { sendsAll: true, filter: ONLY_OWN_WAY },
  "with a policy that sends everything": { sendsAll: true, filter: BOTH },
};

function wantedIn({ sendsAll, filter, onlyWithFilter }: State): Wanted {
  const neighbours = [neighbour(0, { endpoint: "198.51.100.1:51820" }), neighbour(1)];
  const request = requestOf({ ...RELAY, neighbours, sendsAll: sendsAll ? "proven" : null });
  const more = {
    ...(filter === null ? {} : { filter }),
    ...(onlyWithFilter === undefined ? {} : { onlyWithFilter }),
  };
  const digest = sha256(JSON.stringify({ sendsAll, ...more }));
  return wantedOf({ ...request, ...more }, digest, publicKeyOf);
}

function leadsIn({ rules }: Host): boolean {
  return rules.some(({ table, not }) => table === "51820" && not === "0xca6c");
}

function keepsItsWay(host: Host, when: string): void {
  if (!leadsIn(host)) return;
  assert.ok(host.table?.includes("\tchain answering {") === true, `${when}: the table`);
  assert.equal(host.sysctls.get("net/ipv4/conf/all/src_valid_mark"), "1", `${when}: the sysctl`);
}

describe("the reachability of a host that sends everything into the tunnel", () => {
  for (const [from, former] of Object.entries(STATES)) {
    for (const [to, state] of Object.entries(STATES)) {
      if (from === to) continue;
      it(`is kept at each moment from a host ${from} to one ${to}`, () => {
        const host = pushed(wantedIn(former));
        const before = structuredClone(host);
        const run = runOf(host, wantedIn(state));
        const [all, undone] = [run.steps("apply").length, run.steps("undo").length];
        for (let count = 0; count <= all; count++) {
          Object.assign(host, structuredClone(before));
          run.run("apply", count);
          keepsItsWay(host, `after ${count} steps`);
          const cut = structuredClone(host);
          for (let back = 0; back <= undone; back++) {
            Object.assign(host, structuredClone(cut));
            run.run("undo", back);
            keepsItsWay(host, `after ${count} steps and ${back} of the undo`);
          }
        }
      });

      it(`is kept by a boot after any part of the commit from a host ${from} to one ${to}`, () => {
        const host = pushed(wantedIn(former));
        const run = runOf(host, wantedIn(state));
        for (const part of ["now", "apply"] as const) run.run(part);
        const applied = structuredClone(host);
        for (let count = 0; count <= run.steps("commit").length; count++) {
          Object.assign(host, structuredClone(applied));
          run.run("commit", count);
          boot(host);
          keepsItsWay(host, `after ${count} steps`);
        }
        assert.equal(leadsIn(host), state.sendsAll);
      });
    }
  }

  it("is kept where the filter cannot be loaded at boot: then nothing is routed into the tunnel", () => {
    const state = { sendsAll: true, filter: BOTH, onlyWithFilter: [currentKey(1)] };
    const host = pushed(wantedIn(state));
    boot(host);
    assert.ok(leadsIn(host));
    for (const path of host.files.keys()) if (path.endsWith(".nft")) host.files.delete(path);
    boot(host);
    assert.ok(host.links.has("wg0"));
    assert.equal(leadsIn(host), false);
  });

  it("is restored by the host itself within a round after all tables were flushed", () => {
    for (const to of ["that sends everything", "with a policy that sends everything"]) {
      const host = pushed(wantedIn(STATES["with a policy"] ?? assert.fail()));
      push(host, wantedIn(STATES[to] ?? assert.fail()));
      const table = host.table;
      host.table = null;
      round(host);
      assert.deepEqual(host.table, table);
    }
    const plain = pushed(wantedIn(STATES["with a policy"] ?? assert.fail()));
    assert.equal(plain.files.has("/var/lib/wireguard-mesh/wg0/tasks"), false);
  });
});
