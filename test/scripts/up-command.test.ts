import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { previewCommand } from "../../scripts/commands/preview";
import { upCommand } from "../../scripts/commands/up";
import { STACK_FILE } from "./support/network";
import { makeWorkplace, type Outcome, type Workplace } from "./support/workplace";

const event = (name: string) => readFileSync(join(__dirname, `fixtures/${name}.jsonl`), "utf8");

describe("up and preview", () => {
  let place: Workplace;

  beforeEach(() => {
    place = makeWorkplace();
    // Nobody to ask afterwards: a phone and a laptop that are handed their configs, and a relay that fails.
    place.write("Pulumi.test.yaml", STACK_FILE.replace("      host: local\n", ""));
  });

  afterEach(() => {
    place.remove();
  });

  const run = (...args: string[]): Promise<Outcome> =>
    place.run([upCommand(), previewCommand()], ...args);

  /** Without what the command adds for itself: the stack and the event log. */
  const argvOf = (verb: string): string[] => {
    const { argv = [] } = place.engineCalls().find((call) => call.argv[0] === verb) ?? {};
    const at = argv.indexOf("--event-log");
    return [...argv.slice(0, at), ...argv.slice(at + 2)];
  };

  it("goes on when one host fails, and hands the user's flags on", async () => {
    await run("up", "--yes", "--skip-preview", "--json", "--", "--refresh", "--parallel=4");
    assert.deepEqual(argvOf("up"), [
      ...["up", "--continue-on-error", "--yes", "--skip-preview", "--refresh", "--parallel=4"],
      ...["--stack", "test"],
    ]);
  });

  it("shows a preview line by line", async () => {
    place.write("bin/events", event("preview-of-changes"));
    const { exitCode, stdout } = await run("preview", "--json");
    assert.deepEqual(argvOf("preview"), [
      "preview",
      "--diff",
      "--show-full-output",
      "--stack",
      "test",
    ]);
    assert.equal(exitCode, 0);
    const { ok, changes } = JSON.parse(stdout) as { ok: boolean; changes: object[] };
    assert.equal(ok, true);
    assert.deepEqual(changes[0], { node: "tokyo", change: "update" });
  });

  it("says in words which host failed, who was left out, and whose config has to be handed over", async () => {
    place.write("Pulumi.test.yaml", STACK_FILE);
    place.write("bin/events", event("up-with-a-dead-relay"));
    place.write("bin/exit", "1");
    place.write("bin/configs", JSON.stringify({ phone: "old" }));
    place.write("bin/configs-after", JSON.stringify({ phone: "new" }));
    place.write("bin/outputs", '{"peers":{"phone":{"fingerprint":"0123456789abcdef"}}}');
    const { exitCode, stdout } = await run("up", "--yes", "--json");
    assert.equal(exitCode, 1);
    const { failed, ...report } = JSON.parse(stdout) as { failed: { node: string }[] };
    assert.deepEqual(
      failed.map(({ node }) => node),
      ["tokyo"],
    );
    assert.deepEqual(report, {
      ok: false,
      exitCode: 1,
      waiting: ["laptop"],
      handOver: [{ node: "phone", custody: "config" }],
      links: [],
      checked: [],
      pending: [],
      outdated: [{ node: "phone", why: ["it was not given its config yet"] }],
    });
    place.write("bin/configs-after", JSON.stringify({ phone: "newer" }));
    const text = (await run("up", "--yes")).stdout;
    assert.match(text, /^failed: tokyo: cannot be reached, so nothing was sent to it\.$/m);
    assert.match(text, /left out, because a relay that they need failed .*: laptop$/m);
    assert.match(text, /^ {2}npx wireguard-mesh qr phone /m);
  });

  it("says nothing of a config that stayed the same", async () => {
    place.write("bin/events", event("up-with-a-dead-host"));
    place.write("bin/configs", JSON.stringify({ phone: "same" }));
    const { stdout } = await run("up", "--yes", "--json");
    assert.deepEqual((JSON.parse(stdout) as { handOver: object[] }).handOver, []);
  });

  it("shows no secret of a config that was compared", async () => {
    place.write("bin/events", event("up-with-a-dead-host"));
    place.write("bin/configs", JSON.stringify({ phone: "PrivateKey = secret-one" }));
    place.write("bin/configs-after", JSON.stringify({ phone: "PrivateKey = secret-two" }));
    for (const json of [["--json"], []]) {
      const { stdout, stderr } = await run("up", "--yes", ...json);
      assert.doesNotMatch(stdout + stderr, /secret-/);
    }
  });

  it("ends in 1 without a check when the engine ended before the update, as after a no", async () => {
    place.write("bin/exit", "255");
    const { exitCode, stdout } = await run("up", "--json");
    assert.equal(exitCode, 1);
    assert.deepEqual(JSON.parse(stdout), {
      ok: false,
      exitCode: 255,
      failed: [],
      waiting: [],
      handOver: [],
      links: [],
      checked: [],
      pending: [],
      outdated: [],
    });
  });
});
