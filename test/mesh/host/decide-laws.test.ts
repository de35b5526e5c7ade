/** Properties of every decision, with a model of the kernel's tables as oracle. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decide, unapplied } from "../../../mesh/host/decide";
import { differences } from "../../../mesh/host/differences";
import { formatDifference } from "../../../mesh/host/format-difference";
import { unitLink, wgQuickUnit } from "../../../mesh/host/paths";
import type { PushRequest } from "../../../mesh/push-request";
import { deleteLink, KernelError, type Host } from "./support/host";
import { boot, configPath, freshHost, pushedByFormat2 } from "./support/hosts";
import { IFACE } from "./support/observe";
import { assertReached } from "./support/reached";
import { requestDraws, requestOf } from "./support/requests";
import { round } from "./support/rounds";
import { configurationOf, everyChange, look, OPTIONS, situationOf } from "./support/situations";
import { assertUntouched } from "./support/untouched";

describe("decide", () => {
  it("reaches the wanted state", () => {
    everyChange(({ host, before, run, request }) => {
      run("apply");
      assertReached(before, host, request);
    });
  });

  it("finds nothing left to apply after the steps, and nothing at all after the commit", () => {
    everyChange(({ host, run, wanted, observed }) => {
      run("now");
      run("apply");
      assert.deepEqual(unapplied(observed, look(host, wanted), wanted), []);
      run("commit");
      assert.deepEqual(decide(look(host, wanted), wanted, OPTIONS).kind, "nothing");
    });
  });

  it("leads back to the observed state after any part of the steps, also twice", () => {
    everyChange(({ host, before, run, change }) => {
      for (let count = 0; count <= change.apply.length; count++) {
        const copy = structuredClone(before);
        Object.assign(host, copy);
        run("apply", count);
        run("undo");
        assert.deepEqual(configurationOf(host), configurationOf(before));
        run("undo");
        assert.deepEqual(configurationOf(host), configurationOf(before));
      }
    }, 150);
  });

  it("leads back to the observed state when a step fails halfway", () => {
    everyChange(({ host, before, run, running, change }) => {
      change.apply.forEach((step, at) => {
        for (let count = 1; count < running.partsOf(at); count++) {
          Object.assign(host, structuredClone(before));
          run("apply", at);
          running.runPart(at, count);
          run("undo");
          assert.deepEqual(configurationOf(host), configurationOf(before), step.do);
        }
      });
    }, 100);
  });

  it("leads back to the observed state when the undo itself is interrupted and repeated", () => {
    everyChange(({ host, before, run, change }) => {
      run("apply");
      const applied = structuredClone(host);
      for (let count = 0; count < change.undo.length; count++) {
        Object.assign(host, structuredClone(applied));
        run("undo", count);
        run("undo");
        assert.deepEqual(configurationOf(host), configurationOf(before));
      }
    }, 150);
  });

  it("touches nothing that is equal, and resets no session with a peer that is", () => {
    everyChange(({ host, before, run, running, wanted }) => {
      const renewed = new Set(wanted.instances.map((word) => word.slice(word.indexOf(":") + 1)));
      run("apply");
      assertUntouched(running, before, host, renewed);
    });
  });

  it("boots into the state that was confirmed, without a name server", () => {
    everyChange(({ host, run, wanted }) => {
      for (const part of ["now", "apply", "commit"] as const) run(part);
      const { resolver } = host;
      host.resolver = new Map();
      boot(host);
      host.resolver = resolver;
      assert.deepEqual(differences(look(host, wanted), wanted), { live: [], boot: [] });
    });
  });

  it("boots with the filter that belongs to its config, wherever the commit is interrupted", () => {
    everyChange(({ host, before, run, change, request }) => {
      const live = (of: Host) => of.files.get(configPath(IFACE));
      const booted = (of: Host) => {
        const copy = structuredClone(of);
        copy.bootLinks = new Set([unitLink(wgQuickUnit(IFACE))]);
        try {
          boot(copy);
        } catch (error) {
          // A manual change may conflict with the former config.
          if (!(error instanceof KernelError)) throw error;
          deleteLink(copy, IFACE);
        }
        return copy;
      };
      const former = booted(before);
      const planned = request.filter?.trimEnd().split("\n") ?? null;
      for (const part of ["now", "apply"] as const) run(part);
      const applied = structuredClone(host);
      for (let count = 0; count <= change.commit.length; count++) {
        Object.assign(host, structuredClone(applied));
        run("commit", count);
        const isNew = live(host) !== live(before);
        const { table, links } = booted(host);
        const isFormer = JSON.stringify(table) === JSON.stringify(former.table);
        if (isNew || !isFormer) assert.deepEqual(table, planned);
        if (isNew) assert.ok(links.has(IFACE), `cut after ${count} steps`);
      }
    }, 100);
  });

  it("finds nothing to do after the host's own tasks: expired peers, names resolved again", () => {
    everyChange(({ host, run, wanted }) => {
      for (const part of ["now", "apply", "commit"] as const) run(part);
      const followed = (key: string) =>
        wanted.followNames &&
        wanted.main.peers.some(({ publicKey, endpoint }) => publicKey === key && endpoint?.isName);
      for (const seconds of [10, 60, 150, 100_000]) {
        host.now += seconds;
        host.resolver.set("far.example.org", [`198.51.100.${seconds % 200}`, "203.0.113.77"]);
        if (host.tickerRuns) round(host);
        const { live, boot } = differences(look(host, wanted), wanted);
        // Without followNames, and for addresses, a push dials a silent peer again and renders the file anew.
        const others = live.filter((it) => it.kind !== "endpoint" || followed(it.publicKey));
        assert.deepEqual([others, wanted.followNames ? boot : []], [[], []]);
      }
    }, 150);
  });

  it("takes over what an older version pushed without a step, and boots into the same state", () => {
    fc.assert(
      fc.property(requestDraws, (drawn) => {
        const draw = { ...drawn, filter: null, sendsAll: null };
        const host = freshHost();
        // Older versions had no dates.
        const neighbours = draw.neighbours.map((it) => ({ ...it, expires: null }));
        const former = { ...draw, neighbours };
        pushedByFormat2(host, requestOf(former));
        const before = structuredClone(host);
        const situation = situationOf(host, former);
        assert.ok(situation !== null);
        const { change, run } = situation;
        assert.deepEqual([change.apply, change.undo], [[], []]);
        for (const part of ["now", "commit"] as const) run(part);
        assert.deepEqual(configurationOf(host).live, configurationOf(before).live);
      }),
    );
  });

  it("has no secret outside of the data for the host", () => {
    let searched = 0;
    everyChange(({ decision, change, running, request }) => {
      const steps = (["now", "apply", "undo", "commit"] as const).flatMap((it) =>
        running.steps(it),
      );
      const words = [...decision.differences.live, ...decision.differences.boot].map((it) =>
        formatDifference(it, new Map(), IFACE),
      );
      const text = JSON.stringify([decision, change, steps, words]);
      const secrets = secretsIn(request);
      searched += secrets.length;
      for (const secret of secrets) assert.ok(!text.includes(secret), secret);
    });
    assert.ok(searched > 100, `only ${searched} secrets`);
  });
});

/** Every key in the request that is not public. */
function secretsIn(request: PushRequest): string[] {
  const texts = [request.config, request.rotation?.alternate?.config ?? ""];
  return texts.flatMap((text) =>
    [...text.matchAll(/^(?:PrivateKey|PresharedKey) = ([^(].*)$/gm)].map(([, key = ""]) => key),
  );
}
