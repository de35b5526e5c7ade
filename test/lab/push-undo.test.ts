/** A host rolls back a config that cuts its connection, and a removal can go through the tunnel. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { Lab } from "../../scripts/lab/lab";
import { SETTLE_MS } from "../../scripts/push/limits";
import { assertWithin } from "../support/time-limits";
import type { CommandResult } from "../../scripts/lab/process";
import { LeakWatch } from "./support/leak-watch";
import {
  configOf,
  hop,
  keyPairFor,
  managed,
  push,
  PUSH_WORLD,
  requestFor,
} from "./support/pushing";

describe("a push and its connection", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-undo" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  async function pushed(...args: Parameters<typeof push>): Promise<CommandResult> {
    const finished = await push(...args);
    assert.equal(finished.code, 0, finished.stderr);
    return finished;
  }

  const outcomeOf = ({ stdout }: CommandResult): string =>
    (JSON.parse(stdout) as { outcome: string }).outcome;

  const liveFile = (node: string): string =>
    fs.readFileSync(lab.fileOf(node, "/etc/wireguard/wg0.conf"), "utf8");

  it("rolls back a config that cuts the connection, and reports it", async () => {
    const good = requestFor(lab, "relay");
    await pushed(lab, "apply", good);
    // Routes the operator's management address into the tunnel.
    const hijackingPeer = [
      "[Peer]",
      `PublicKey = ${keyPairFor("nobody").publicKey}`,
      "AllowedIPs = 172.29.0.0/29",
    ];
    const cutting = { ...good, config: configOf("relay", "10.0.0.1/24", ["", ...hijackingPeer]) };

    const startedAt = Date.now();
    const failed = await push(lab, "apply", cutting);
    assertWithin(90, startedAt, SETTLE_MS / 1000);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /relay: the new config cut the way in, so the host went back/);
    assert.match(failed.stderr, /root@172\.29\.0\.10: timed out/);
    assert.equal(liveFile("relay"), good.config);

    assert.equal(outcomeOf(await pushed(lab, "apply", good)), "unchanged");
  });

  it("finishes a removal through the tunnel after the tunnel is gone", async () => {
    const relay = keyPairFor("relay").publicKey;
    const laptop = keyPairFor("laptop").publicKey;
    const toLaptop = ["", "[Peer]", `PublicKey = ${laptop}`, "AllowedIPs = 10.0.0.3/32"];
    const toRelay = [
      ...["", "[Peer]", `PublicKey = ${relay}`, "AllowedIPs = 10.0.0.1/32"],
      ...["Endpoint = 203.0.113.10:51820", "PersistentKeepalive = 25"],
    ];
    const config = configOf("relay", "10.0.0.1/24", toLaptop);
    await pushed(lab, "apply", requestFor(lab, "relay", { config }));
    const targets = [managed(lab, "laptop")];
    const first = requestFor(lab, "laptop", {
      targets,
      config: configOf("laptop", "10.0.0.3/24", toRelay),
      probes: ["10.0.0.1"],
    });
    await pushed(lab, "apply", first);

    const via = [hop(lab, "relay", "203.0.113.10")];
    const through = {
      ...first,
      targets: [{ kind: "ssh" as const, hop: hop(lab, "laptop", "10.0.0.3"), via }],
    };
    assert.equal(outcomeOf(await pushed(lab, "apply", through)), "unchanged");
    const removal = await pushed(lab, "remove", through);
    assert.equal(outcomeOf(removal), "removing", removal.stderr);
    assert.match(removal.stderr, /goes on cleaning up by itself/);

    assert.equal(outcomeOf(await pushed(lab, "remove", first)), "absent");
    const links = await lab.exec("laptop", ["ls", "/sys/class/net", "/etc/wireguard"]);
    assert.doesNotMatch(links.stdout, /wg0/);
  });

  it("refuses another stack's push and removal, and changes nothing", async () => {
    const own = requestFor(lab, "desktop");
    await pushed(lab, "apply", own);
    const foreign = { ...own, owner: "wireguard-mesh/another" };
    const refused = await push(lab, "apply", foreign);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^desktop: wg0 here belongs to \S+ of stack/);
    const left = await pushed(lab, "remove", foreign);
    assert.equal(outcomeOf(left), "left");
    assert.match(left.stderr, /^desktop: /);
    assert.equal(liveFile("desktop"), own.config);
    // Two nodes for the same machine by mistake: the second is not treated as the first one's new name.
    const double = { ...own, node: "double", rivals: ["desktop"] };
    const again = await push(lab, "apply", double);
    assert.match(again.stderr, /^double: wg0 here belongs to desktop of stack \S+; /);
    assert.equal(outcomeOf(await pushed(lab, "remove", own)), "removed");
    assert.equal(outcomeOf(await pushed(lab, "remove", own)), "absent");
  });

  it("refuses a new interface name before any change", async () => {
    const own = requestFor(lab, "desktop");
    await pushed(lab, "apply", own);
    const refused = await push(lab, "apply", { ...own, interface: "wg7" });
    assert.match(
      refused.stderr,
      /^desktop: this node has the interface wg0 here, and an interface is not renamed: nothing was changed\nput network\.interface back to wg0;/m,
    );
    const links = await lab.exec("desktop", [
      "sh",
      "-c",
      "ls /sys/class/net /var/lib/wireguard-mesh",
    ]);
    assert.doesNotMatch(links.stdout, /wg7/);
    assert.equal(outcomeOf(await pushed(lab, "apply", own)), "unchanged");
    assert.equal(outcomeOf(await pushed(lab, "remove", own)), "removed");
  });

  it("leaks no secret", () => leaks.end());
});
