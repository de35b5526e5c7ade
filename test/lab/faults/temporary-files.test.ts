/**
 * A push writes only its own files, with any shell: bash would put here-documents, with secrets in them, into /tmp.
 * Needs root, strace.
 */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import type { PushRequest } from "../../../mesh/push-request";
import { Lab } from "../../../scripts/lab/lab";
import { on, useShell } from "../support/foreign-host";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor, push, requestFor } from "../support/pushing";
import { hasStrace, traced } from "../support/traced";

/** The folders of wireguard-mesh, and those of sshd. */
const OWN =
  /^(\/run\/(wireguard-mesh|wireguard-mesh\.lock|wireguard|sshd)\b|\/var\/run\/(wireguard|sshd)\b|\/var\/lib\/wireguard-mesh\/|\/etc\/wireguard\/|\/etc\/sysctl\.d\/|\/dev\/(null|tty|net\/tun)$|\/proc\/)/;

describe("a push's own files", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async function () {
    if (!hasStrace()) {
      process.stderr.write("      SKIPPED: strace is not installed\n");
      this.skip();
    }
    lab = await Lab.up(
      { hosts: { relay: { public: "203.0.113.10" } } },
      { id: "test-f-temporary" },
    );
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  function request(mtu: number): PushRequest {
    const shared = keyPairFor("shared").privateKey;
    const peer = ["", "# nas", "[Peer]", `PublicKey = ${keyPairFor("nas").publicKey}`];
    const more = [`MTU = ${mtu}`, ...peer, `PresharedKey = ${shared}`, "AllowedIPs = 10.0.0.2/32"];
    return requestFor(lab, "relay", {
      config: configOf("relay", "10.0.0.1/24", more),
      forwarding: { ipv4: true, ipv6: false },
    });
  }

  /** The created files outside the folders of wireguard-mesh. */
  function createdElsewhere(lines: readonly string[]): string[] {
    const opened = lines.flatMap((line) => {
      const [, path = "", flags = ""] =
        /(?:open|openat|creat)\((?:AT_FDCWD, )?"([^"]*)"(?:, ([A-Z_|0-9]+))?/.exec(line) ?? [];
      const creates = /O_CREAT|O_TMPFILE/.test(flags) || line.includes("creat(");
      return creates ? [path] : [];
    });
    assert.ok(
      opened.some((path) => OWN.test(path)),
      "nothing was traced",
    );
    return [...new Set(opened.filter((path) => !OWN.test(path)))];
  }

  for (const shell of ["dash", "bash", "busybox", "mksh"]) {
    it(`are all that it writes where sh is ${shell}`, async function () {
      if (spawnSync("sh", ["-c", `command -v ${shell}`]).status !== 0) {
        process.stderr.write(`      SKIPPED: ${shell} is not installed\n`);
        this.skip();
      }
      await useShell(lab, "relay", shell);
      const lines = await traced(lab, "relay", ["open", "openat", "creat"], async () => {
        for (const [mtu, outcome] of [
          [1400, "applied"],
          [1390, "applied"],
          [1390, "unchanged"],
        ] as const) {
          const done = await push(lab, "apply", request(mtu));
          assert.match(done.stdout, new RegExp(`"${outcome}"`), done.stderr);
        }
        const done = await push(lab, "remove", request(1390));
        assert.match(done.stdout, /"removed"/, done.stderr);
      });
      assert.deepEqual(createdElsewhere(lines), []);
      const left = "find /tmp /var/tmp /dev/shm -type f 2>/dev/null || true";
      assert.equal(await on(lab, "relay", left), "");
    });
  }

  it("leaks no secret", () => leaks.end());
});
