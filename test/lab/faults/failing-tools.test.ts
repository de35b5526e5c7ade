/** F7, F8, F25: a damaged message, tools that fail, and old tools. Needs root. */
import * as assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Lab } from "../../../scripts/lab/lab";
import { APPLIED, HostSession, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor, push } from "../support/pushing";

/** Comes before the real programs in the host's PATH. */
const BIN = "/usr/local/bin";
const TOOLS = ["wg", "wg-quick", "ip", "awk", "sha256sum"];

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
    await session.run(`rm -f ${TOOLS.map((tool) => `${BIN}/${tool}`).join(" ")} /run/calls`);
    await session.converge(previous);
  });
  after(() => lab.down());

  /** Replaces a tool by a shell script; "$REAL" is the original. */
  async function wrapTool(tool: string, script: string): Promise<void> {
    const argv = ["sh", "-c", `cat >${BIN}/${tool} && chmod 755 ${BIN}/${tool}`];
    const input = `#!/bin/sh\nREAL=/usr/bin/${tool}\n${script}\n`;
    assert.equal((await lab.exec("relay", argv, { input })).code, 0);
  }

  for (const [part, damage] of [
    ["config", (message: string) => message.replace("ListenPort = 51820", "ListenPort = 51821")],
    ["list of steps", (message: string) => message.replace("@ undo", "@ other")],
    ["end of the change", (message: string) => message.slice(0, -1)],
    ["digest", (message: string) => message.replace(/^change ./, "change x")],
  ] as const) {
    it(`F7: refuses a damaged ${part} and changes nothing`, async () => {
      const before = await session.snapshot();
      const refused = await session.apply({ ...next, damage });
      assert.equal(refused.code, 1);
      assert.match(refused.complaint, /^the change was damaged on its way to the host/);
      assert.equal(await session.snapshot(), before);
    });
  }

  for (const [tool, how, script] of [
    ["wg", "prints nothing", 'case "$*" in "show all dump") exit 0 ;; esac'],
    ["wg", "fails", 'case "$*" in show*) echo broken >&2; exit 1 ;; esac'],
    ["ip", "prints nothing", "exit 0"],
    ["ip", "fails", "echo broken >&2; exit 1"],
    ["ip", "prints half of its JSON", '"$REAL" "$@" | head -c 300; exit 0'],
    ["awk", "prints nothing", "exit 0"],
    ["sha256sum", "fails", "exit 1"],
  ] as const) {
    it(`F8: refuses the change before it begins when ${tool} ${how}`, async () => {
      const before = await session.snapshot();
      await wrapTool(tool, `${script}; exec "$REAL" "$@"`);
      const refused = await session.apply(next);
      await session.run(`rm ${BIN}/${tool}`);
      assert.notEqual(refused.code, 0, refused.outcome);
      assert.notEqual(refused.complaint, "");
      assert.equal(await session.snapshot(), before);
    });
  }

  it("F8: undoes a change whose addconf fails halfway, with the reason, and without a restart", async () => {
    const [before, link] = [await session.snapshot(), await ifindex()];
    await wrapTool("wg", failing("1", '"$REAL" addconf "$2" "$3"; echo "no memory" >&2'));
    const { token } = await session.apply(next);
    await session.waitUntilUndone(token);
    const failed = await session.confirm(token);
    assert.match(
      failed.complaint,
      /^the change failed on the host and was undone: no memory/,
      failed.stdout,
    );
    assert.deepEqual([await session.snapshot(), await ifindex()], [before, link]);
  });

  it("F8: repeats the undo until it has succeeded", async () => {
    const before = await session.snapshot();
    await wrapTool("wg", failing("1 2 3"));
    const { token } = await session.apply(next);
    await session.waitUntilUndone(token);
    assert.equal(await session.run("cat /run/calls"), "4");
    assert.equal(await session.snapshot(), before);
  });

  it("F8: completes a failed undo in the next push, which then applies its own change", async () => {
    await wrapTool("wg", failing("1 2 3 4 5 6 7 8 9"));
    const { token } = await session.apply(next);
    await session.waitUntil("[ $(cat /run/calls) -ge 2 ]");
    assert.equal(await session.run(`cat /run/wireguard-mesh/wg0/pending`), token);
    const refused = await session.apply(next);
    assert.match(refused.complaint, /^the last change of wg0 could not be undone yet: no memory/);
    await session.run(`rm ${BIN}/wg`);
    assert.equal(await session.converge(next), "confirmed");
    assert.deepEqual(await runningPeers(), keysOf("a", "c"));
  });

  it("F8: detects an addconf that succeeds and did nothing, and undoes the rest", async () => {
    const before = await session.snapshot();
    await wrapTool("wg", failing("1", "exit 0"));
    const { token } = await session.apply(next);
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    const failed = await session.confirm(token);
    assert.match(
      failed.complaint,
      /^the change was carried out and did not have its effect, so it was undone: peer \S+ is missing/,
    );
    assert.equal(await session.snapshot(), before);
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
    const link = await ifindex();
    assert.equal(await session.converge(previous), "confirmed");
    const after = await session.run("wg show wg0 persistent-keepalive; wg show wg0 preshared-keys");
    assert.deepEqual(
      after
        .split("\n")
        .map((line) => line.split("\t")[1])
        .sort(),
      ["(none)", "(none)", "off", "off"],
    );
    assert.equal(await ifindex(), link);
  });

  it("F8: rolls back when the port is used by another program, and names that cause", async () => {
    await session.converge(previous);
    await session.run(
      "ip link add wg9 type wireguard 2>/dev/null || wireguard-go wg9 2>/dev/null; wg set wg9 listen-port 51999; ip link set wg9 up",
    );
    // wireguard-go binds its port some time later; 51999 is CB1F.
    await session.waitUntil("grep -q ':CB1F ' /proc/net/udp");
    const { token } = await session.apply({
      config: previous.config.replace("ListenPort = 51820", "ListenPort = 51999"),
    });
    await session.waitUntilUndone(token);
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
      `case $1 in syncconf | setconf) echo "Invalid subcommand" >&2; exit 1 ;; help) "$REAL" help 2>&1 | grep -v syncconf >&2; exit ;; esac\nexec "$REAL" "$@"`,
    );
    const link = await ifindex();
    assert.equal(await session.converge(next), "confirmed");
    assert.deepEqual(await runningPeers(), keysOf("a", "c"));
    assert.equal(await ifindex(), link);
  });

  it("F25: uses wireguard-go and reports it when the kernel has no WireGuard", async () => {
    const kernel = await session.run(
      "ip link add wgtry type wireguard 2>&1 && ip link del wgtry || true",
    );
    const { stdout, stderr } = await push(lab, "apply", session.request(previous));
    const { backend } = JSON.parse(stdout) as { backend: string };
    assert.equal(backend, kernel === "" ? "kernel" : "userspace", stderr);
  });

  it("leaks no secret", () => leaks.end());

  /** A `wg` whose addconf fails at its first calls with these numbers. */
  function failing(calls: string, instead = 'echo "no memory" >&2'): string {
    return [
      "case $1 in addconf) n=$(($(cat /run/calls 2>/dev/null || echo 0) + 1)); echo $n >/run/calls",
      `case " ${calls} " in *" $n "*) ${instead}; exit 1 ;; esac ;; esac`,
      'exec "$REAL" "$@"',
    ].join("\n");
  }

  const ifindex = (): Promise<string> => session.run("cat /sys/class/net/wg0/ifindex");

  const keysOf = (...names: string[]): string[] =>
    names.map((name) => keyPairFor(name).publicKey).sort();

  async function runningPeers(): Promise<string[]> {
    return (await session.run("wg show wg0 peers")).split("\n").sort();
  }
});
