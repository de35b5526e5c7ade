/** Concurrent, successive and killed labs leave nothing on the machine. Needs root. */
import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Lab } from "../../scripts/lab/lab";
import { exitCode } from "../../scripts/lab/process";
import { leftovers } from "./support/leftovers";
import { canPingSoon, smallWorld } from "./support/small-world";

describe("several labs", function () {
  this.timeout(60_000);
  after(async () => {
    await Promise.all([Lab.down("test-one"), Lab.down("test-one-b")]);
  });

  it("can have the same addresses and are independent", async () => {
    const [one, two] = await Promise.all([
      Lab.up(smallWorld(), { id: "test-one" }),
      Lab.up(smallWorld(), { id: "test-one-b" }),
    ]);
    await one.exec("relay", ["touch", "/root/one"]);
    assert.equal((await two.exec("relay", ["ls", "/root"])).stdout, "");
    assert.notEqual(one.hostKey("relay"), two.hostKey("relay"));
    await one.down();
    assert.deepEqual(leftovers("test-one"), []);
    assert.equal(await canPingSoon(two, "laptop", "203.0.113.10"), true);
  });

  it("replace an earlier lab with the same id", async () => {
    const previous = await Lab.up(smallWorld(), { id: "test-one" });
    const key = previous.hostKey("relay");
    const next = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-one" });
    assert.notEqual(next.hostKey("relay"), key);
    assert.throws(() => next.spawn("laptop", ["true"]), /no node laptop/);
    await assert.rejects(async () => previous.exec("relay", ["true"]), /is not running/);
  });

  it("cannot be built twice at the same time", async () => {
    const first = Lab.up(smallWorld(), { id: "test-one" });
    await assert.rejects(
      Lab.up(smallWorld(), { id: "test-one" }),
      /Another process is changing the lab/,
    );
    await first;
  });
});

describe("the end of a lab", function () {
  this.timeout(60_000);
  const id = "test-killed";
  afterEach(async () => {
    await Lab.down(id);
  });

  it("leaves no namespace, mount, process or file", async () => {
    const lab = await Lab.up(smallWorld(), { id });
    const sleeper = exitCode(lab.spawn("laptop", ["sleep", "1000"], { stdio: "ignore" }));
    await lab.exec("operator", ["sh", "-c", "sleep 1000 >/dev/null 2>&1 &"]);
    assert.notDeepEqual(leftovers(id), []);
    assert.equal(await Lab.down(id), true);
    assert.notEqual(await sleeper, 0);
    assert.deepEqual(leftovers(id), []);
    assert.equal(await Lab.down(id), false);
  });

  it("leaves nothing when the builder was killed after the build", async () => {
    const builder = startBuilder();
    await new Promise((resolve) => builder.stdout?.once("data", resolve));
    await kill(builder);
    assert.equal(await canPingSoon(Lab.open(id), "laptop", "203.0.113.10"), true);
    await Lab.down(id);
    assert.deepEqual(leftovers(id), []);
  });

  for (const progress of ["disks", "logs/relay.log", "logs/laptop.log"]) {
    it(`leaves nothing when the builder was killed as soon as ${progress} existed`, async () => {
      const builder = startBuilder();
      const file = path.join("/var/tmp/wireguard-mesh-lab", id, progress);
      while (!fs.existsSync(file)) await new Promise(setImmediate);
      await kill(builder);
      assert.throws(() => Lab.open(id), /is not up/);
      assert.equal(await Lab.down(id), true);
      assert.deepEqual(leftovers(id), []);
    });
  }

  function startBuilder(): ChildProcess {
    const script = path.join(__dirname, "support/build-and-wait.ts");
    const argv = ["--require", "./scripts/load-typescript.cjs", script, id];
    return spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  }

  async function kill(builder: ChildProcess): Promise<void> {
    builder.kill("SIGKILL");
    await exitCode(builder);
  }
});
