/** The search for leaks finds planted secrets in all places and encodings, and nothing else. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { poll } from "../../scripts/poll";
import { Lab } from "../../scripts/lab/lab";
import { newKeyPair } from "../support/key-pairs";
import { LeakWatch } from "./support/leak-watch";
import { addKey, type SecretForms } from "./support/stack-secrets";

describe("the search for leaks", () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-leaks" });
  });
  after(() => lab.down());

  const key = newKeyPair().privateKey;
  const file = `[Interface]\nPrivateKey = ${key}\nAddress = 10.0.0.1/24\n`;

  function start(): Promise<LeakWatch> {
    const secrets = () => {
      const forms: SecretForms = new Map();
      addKey(forms, "the key", key);
      return Promise.resolve(forms);
    };
    return LeakWatch.create({ lab, secrets });
  }

  async function waitForSamples(watch: LeakWatch): Promise<void> {
    // More than a second, in which each process is read again.
    const enough = watch.samples + 40;
    await poll(() => (watch.samples >= enough ? true : undefined), {
      limitMs: 20_000,
      pauseMs: 10,
    });
  }

  const onRelay = (script: string, input = "") =>
    lab.exec("relay", ["sh", "-c", script], { input });

  it("finds nothing when keys are only where they belong", async () => {
    const watch = await start();
    await onRelay("umask 077; cat >/etc/wireguard/wg0.conf", file);
    watch.add("some output", "PrivateKey = (hidden)\n");
    await waitForSamples(watch);
    await watch.end();
  });

  it("finds a key in files, output, command lines and environments, in every encoding", async () => {
    const watch = await start();
    const hex = Buffer.from(key, "base64").toString("hex");
    watch.add("some output", `error: ${hex}`);
    const inEnvironment = lab.spawn("relay", ["sleep", "60"], {
      env: { LEAK: encodeURIComponent(key) },
    });
    const later = "read -r key; sleep 0.5; LATER=$key exec sleep 61";
    const executedLater = lab.spawn("relay", ["sh", "-c", later], { stdio: "pipe" });
    executedLater.stdin?.end(`${key}\n`);
    const inCommandLine = lab.spawn("relay", ["sh", "-c", "sleep 60; exit", key], {});
    await onRelay("base64 >/tmp/left", file);
    await onRelay("cat >/var/log/some.log", `a line with ${key}\n`);
    await onRelay("cat >/usr/local/lib/some", key);
    await onRelay("cat >/run/some; chmod 644 /etc/wireguard/wg0.conf", key);
    fs.writeFileSync(path.join(lab.folder.logs, "engine.log"), file, { mode: 0o600 });
    await waitForSamples(watch);
    for (const child of [inEnvironment, executedLater, inCommandLine]) child.kill("SIGKILL");

    const leaks = await watch.end().then(
      () => "",
      (error: unknown) => String(error),
    );
    for (const place of [
      "the key in some output",
      "the key in environment of nsenter",
      "the key in environment of sleep 61",
      "the key in command line of sh -c",
      "the key in relay:/tmp/left",
      "the key in relay:/var/log/some.log",
      "the key in relay:/run/some",
      `the key in ${lab.fileOf("relay", "/usr/local/lib/some")}`,
      `the key in ${path.join(lab.folder.logs, "engine.log")}`,
      "relay:/etc/wireguard/wg0.conf is not readable by root only",
    ]) {
      assert.ok(leaks.includes(place), `${place} in\n${leaks}`);
    }
    assert.ok(!leaks.includes(key), "the report itself leaks");
  });
});
