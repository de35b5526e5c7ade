/** F7, F8, F25: a damaged message, tools that fail, and old tools. Needs root. */
import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, LIVE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor } from "../support/pushing";

/** Comes before the real programs in the host's PATH. */
const BIN = "/usr/local/bin";

describe("a push to a host whose tools fail", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const peers = (names: string[]): string[] =>
    names.flatMap((name, at) => [
      ...["", "[Peer]", `PublicKey = ${keyPairFor(name).publicKey}`],
      `AllowedIPs = 10.0.0.${at + 2}/32`,
    ]);
  const previous: WantedState = { config: configOf("relay", "10.0.0.1/24", peers(["a", "b"])) };
  const next: WantedState = { config: configOf("relay", "10.0.0.1/24", peers(["a", "c"])) };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-tools" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
    await session.converge(previous);
  });
  afterEach(async () => {
    await session.run(`rm -f ${BIN}/wg ${BIN}/wg-quick ${BIN}/systemd-run`);
    await session.converge(previous);
  });
  after(() => lab.down());

  /** Replaces a tool by a shell script; "$REAL" is the original. */
  function wrapTool(tool: string, script: string): Promise<string> {
    const text = `#!/bin/sh\\nREAL=/usr/bin/${tool}\\n${script.replaceAll("\n", "\\n")}\\n`;
    return session.run(`printf '${text}' >${BIN}/${tool}; chmod 755 ${BIN}/${tool}`);
  }

  /** Sorted, because wireguard-go lists its peers in any order. */
  const snapshot = async (): Promise<string> => (await shown()).split("\n").sort().join("\n");

  const shown = (): Promise<string> =>
    session.run(`cat ${LIVE}; wg showconf wg0; ls /run/wireguard-mesh/wg0/pending || true`);

  for (const [part, overrides] of [
    ["config", { config: Buffer.from("[Interface]\n").toString("base64") }],
    ["config that is not base64", { config: "*" }],
    ["script", { script: Buffer.from("exit 0\n").toString("base64") }],
  ] as const) {
    it(`F7: refuses a damaged ${part} and changes nothing`, async () => {
      const before = await snapshot();
      const refused = await session.apply({ ...next, overrides });
      assert.equal(refused.code, 1);
      assert.match(refused.complaint, /^the message was damaged on its way to the host/);
      assert.equal(await snapshot(), before);
    });
  }

  for (const [how, script] of [
    ["prints nothing", 'case $1 in strip) exit 0 ;; esac; exec "$REAL" "$@"'],
    [
      "prints no key",
      'case $1 in strip) "$REAL" "$@" | grep -v Key; exit ;; esac; exec "$REAL" "$@"',
    ],
    ["fails", 'case $1 in strip) echo broken >&2; exit 1 ;; esac; exec "$REAL" "$@"'],
  ] as const) {
    it(`F8: refuses the config before any change when wg-quick strip ${how}`, async () => {
      const before = await snapshot();
      await wrapTool("wg-quick", script);
      const refused = await session.apply(next);
      assert.equal(refused.code, 1);
      assert.match(refused.complaint, /^the config was refused before anything was changed/);
      assert.equal(await snapshot(), before);
    });
  }

  it("F8: restarts the interface when addconf fails halfway, and converges", async () => {
    await wrapTool(
      "wg",
      `case $1 in addconf) "$REAL" set wg0 peer ${keyPairFor("a").publicKey} remove; exit 1 ;; esac\nexec "$REAL" "$@"`,
    );
    assert.equal(await session.converge(next), "confirmed");
    assert.deepEqual(
      await runningPeers(),
      ["a", "c"].map((name) => keyPairFor(name).publicKey).sort(),
    );
  });

  it("F8: detects an addconf that succeeds but applies only half", async () => {
    await wrapTool(
      "wg",
      `case $1 in addconf) "$REAL" set wg0 peer ${keyPairFor("a").publicKey} remove; exit 0 ;; esac\nexec "$REAL" "$@"`,
    );
    const { token } = await session.apply(next);
    const failed = await session.confirm(token);
    assert.match(
      failed.complaint,
      /^the change failed on the host and was undone: wg0 did not become what it was told to be/,
    );
  });

  it("F8: rolls back with the reason when neither a change nor a restart works", async () => {
    const before = await snapshot();
    // Only the new config triggers the failure.
    const key = keyPairFor("c").publicKey;
    await wrapTool("wg", 'case $1 in addconf) exit 1 ;; esac; exec "$REAL" "$@"');
    await wrapTool(
      "wg-quick",
      `case $1 in up) if grep -qF ${key} "$2"; then echo "no memory" >&2; exit 1; fi ;; esac; exec "$REAL" "$@"`,
    );
    const { token } = await session.apply(next);
    const failed = await session.confirm(token);
    assert.match(
      failed.complaint,
      /^the change failed on the host and was undone: no memory/,
      failed.stdout,
    );
    assert.equal(await snapshot(), before);
  });

  it("F8: removes a peer's preshared key and keepalive without a restart", async () => {
    const shared = randomBytes(32).toString("base64");
    const more = [`PresharedKey = ${shared}`, "PersistentKeepalive = 25"];
    const [first = "", ...rest] = previous.config.split("\nAllowedIPs");
    await session.converge({
      config: [`${first}\n${more.join("\n")}`, ...rest].join("\nAllowedIPs"),
    });
    const before = await session.run(
      "wg show wg0 persistent-keepalive; wg show wg0 preshared-keys",
    );
    assert.match(before, /\t25$/m);
    assert.ok(before.includes(shared));
    const link = await session.run("cat /sys/class/net/wg0/ifindex");
    assert.equal(await session.converge(previous), "confirmed");
    const after = await session.run("wg show wg0 persistent-keepalive; wg show wg0 preshared-keys");
    assert.deepEqual(
      after
        .split("\n")
        .map((line) => line.split("\t")[1])
        .sort(),
      ["(none)", "(none)", "off", "off"],
    );
    assert.equal(await session.run("cat /sys/class/net/wg0/ifindex"), link);
  });

  it("F8: rolls back when the port is used by another program, and names that cause", async () => {
    await session.converge(previous);
    await session.run(
      "ip link add wg9 type wireguard 2>/dev/null || wireguard-go wg9 2>/dev/null; wg set wg9 listen-port 51999; ip link set wg9 up",
    );
    const { token } = await session.apply({
      config: previous.config.replace("ListenPort = 51820", "ListenPort = 51999"),
    });
    const refused = await session.confirm(token);
    assert.match(
      refused.complaint,
      /^the change failed .*: its UDP port is taken there by another program\nsee which: sudo ss -lunp/,
    );
    assert.equal(await session.run("wg show wg0 listen-port"), "51820");
    await session.run("ip link del wg9");
  });

  it("F25: works without a restart with a wg from before 2020, which has no syncconf", async () => {
    await wrapTool(
      "wg",
      `case $1 in syncconf) echo "Invalid subcommand" >&2; exit 1 ;; help) "$REAL" help 2>&1 | grep -v syncconf >&2; exit ;; esac\nexec "$REAL" "$@"`,
    );
    const link = await session.run("cat /sys/class/net/wg0/ifindex");
    assert.equal(await session.converge(next), "confirmed");
    assert.deepEqual(
      await runningPeers(),
      ["a", "c"].map((name) => keyPairFor(name).publicKey).sort(),
    );
    assert.equal(await session.run("cat /sys/class/net/wg0/ifindex"), link);
  });

  it("F25: uses wireguard-go and reports it when the kernel has no WireGuard", async () => {
    const kernel = await session.run(
      "ip link add wgtry type wireguard 2>&1 && ip link del wgtry || true",
    );
    const { stdout } = await session.apply(previous);
    const backend = kernel === "" ? "kernel" : "userspace";
    assert.match(stdout, new RegExp(`^backend ${backend}$`, "m"));
  });

  it("leaks no secret", () => leaks.end());

  async function runningPeers(): Promise<string[]> {
    return (await session.run("wg show wg0 peers")).split("\n").sort();
  }
});
