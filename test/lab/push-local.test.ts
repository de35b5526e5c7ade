/** `host: local`: a push to the machine that runs it, without SSH. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../../scripts/lab/lab";
import type { CommandResult } from "../../scripts/lab/process";
import { LeakWatch } from "./support/leak-watch";
import { recordedOutput, PUSH_PROGRAM, PUSH_WORLD, requestFor } from "./support/pushing";

const REPOSITORY = path.join(__dirname, "../..");
/** Those that the push program uses. */
const PACKAGES = ["@noble/hashes", "ipaddr.js", "tweetnacl"];

describe("a push to the machine it runs on", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-push-local" });
    leaks = await LeakWatch.forPushes(lab);
    // A lab's host does not see the operator's files, so copy the push program to it.
    const folders: [string, string][] = [
      [path.dirname(PUSH_PROGRAM), "/root/mesh/dist/scripts/push"],
      [path.join(REPOSITORY, "dist/mesh"), "/root/mesh/dist/mesh"],
      [path.join(REPOSITORY, "scripts/push/host"), "/root/mesh/scripts/push/host"],
      ...PACKAGES.map((name): [string, string] => [
        path.join(REPOSITORY, "node_modules", name),
        `/root/mesh/node_modules/${name}`,
      ]),
    ];
    for (const [from, to] of folders) {
      fs.cpSync(from, lab.fileOf("laptop", to), { recursive: true });
    }
  });
  after(() => lab.down());

  async function push(verb: "apply" | "remove"): Promise<CommandResult> {
    const request = requestFor(lab, "laptop", {
      targets: [{ kind: "local" }],
      sshPrivateKey: null,
    });
    const argv = ["node", "/root/mesh/dist/scripts/push/main.js", verb];
    const finished = await lab.exec("laptop", argv, { input: JSON.stringify(request) });
    recordedOutput(lab).push(finished.stdout, finished.stderr);
    return finished;
  }

  function outcomeOf({ stdout, stderr }: CommandResult): string {
    assert.match(stdout, /^\{.*\}\n$/, stderr);
    const { outcome, through } = JSON.parse(stdout) as { outcome: string; through?: string };
    return through === undefined ? outcome : `${outcome} ${through}`;
  }

  it("applies, confirms, does nothing the second time, and removes", async () => {
    assert.equal(outcomeOf(await push("apply")), "applied local");
    const shown = await lab.exec("laptop", ["wg", "show", "wg0", "listen-port"]);
    assert.equal(shown.stdout.trim(), "51820");
    assert.equal(outcomeOf(await push("apply")), "unchanged local");
    assert.equal(outcomeOf(await push("remove")), "removed");
    assert.equal(outcomeOf(await push("remove")), "absent");
    const left = await lab.exec("laptop", ["ls", "/sys/class/net", "/etc/wireguard", "/var/lib"]);
    assert.doesNotMatch(left.stdout, /wg0|wireguard-mesh/);
    assert.equal(lab.logins("laptop"), 0);
  });

  it("leaks no secret", () => leaks.end());
});
