/** Files of the set-up: its cache, its lock, the engine's folder; and the programs that it runs. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const setup = join(__dirname, "../../scripts/setup");

/** Imports a module of the set-up, which is plain JavaScript. */
async function load<T>(file: string): Promise<T> {
  return (await import(join(setup, file))) as T;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("set-up: cache", () => {
  interface Cache {
    remember: (root: string, name: string, value: string, files: string[]) => void;
    recall: (root: string, name: string) => string | null;
  }
  const withEntry = async () => {
    const cache = await load<Cache>("cache.mjs");
    const file = join(folder, "pulumi");
    writeFileSync(file, "one");
    cache.remember(folder, "engine", "v3.250.0", [file]);
    return { ...cache, file };
  };

  it("recalls a value, also after another one was stored", async () => {
    const { remember, recall } = await withEntry();
    remember(folder, "other", "x", []);
    assert.equal(recall(folder, "engine"), "v3.250.0");
    assert.equal(recall(folder, "other"), "x");
    assert.equal(recall(folder, "unknown"), null);
  });

  it("drops a value whose file was removed", async () => {
    const { recall, file } = await withEntry();
    rmSync(file);
    assert.equal(recall(folder, "engine"), null);
  });

  it("drops a value whose file has changed", async () => {
    const { recall, file } = await withEntry();
    writeFileSync(file, "another");
    assert.equal(recall(folder, "engine"), null);
  });

  it("ignores a damaged cache and overwrites it", async () => {
    const { remember, recall } = await withEntry();
    writeFileSync(join(folder, ".setup", "cache.json"), "{ half");
    assert.equal(recall(folder, "engine"), null);
    remember(folder, "engine", "again", []);
    assert.equal(recall(folder, "engine"), "again");
  });

  it("is ignored by git", async () => {
    await withEntry();
    assert.equal(readFileSync(join(folder, ".setup", ".gitignore"), "utf8"), "*\n");
  });
});

describe("set-up: lock", () => {
  interface Lock {
    withLock: <T>(root: string, work: () => Promise<T>) => Promise<T>;
  }

  it("makes a second set-up wait for the first", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    // Another process, named like the set-up, that holds the lock until its stdin ends.
    const holder = join(folder, "run.mjs");
    const finished = join(folder, "finished");
    writeFileSync(
      holder,
      `import { writeFileSync } from "node:fs";
       import { withLock } from ${JSON.stringify(join(setup, "lock.mjs"))};
       await withLock(${JSON.stringify(folder)}, async () => {
         console.log("held");
         await new Promise((done) => process.stdin.on("end", done).resume());
         writeFileSync(${JSON.stringify(finished)}, "");
       });`,
    );
    const first = spawn(process.execPath, [holder], { stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(first, "exit");
    await once(first.stdout, "data");
    const second = withLock(folder, () => Promise.resolve(existsSync(finished)));
    first.stdin.end();
    assert.equal(await second, true, "the second started after the first had finished");
    assert.deepEqual(await exited, [0, null]);
  });

  it("is reentrant", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    assert.equal(
      await withLock(folder, () => withLock(folder, () => Promise.resolve("inner"))),
      "inner",
    );
    assert.deepEqual(readdirSync(join(folder, ".setup")), [".gitignore"]);
  });

  it("replaces the lock of a set-up that was killed, and releases its own after an error", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    mkdirSync(join(folder, ".setup"));
    // This process exists but is not a set-up, like a process that got the number of a killed one.
    const other = spawn("sleep", ["60"]);
    try {
      writeFileSync(join(folder, ".setup", "lock"), String(other.pid));
      await assert.rejects(
        withLock(folder, () => Promise.reject(new Error("work failed"))),
        /work failed/,
      );
    } finally {
      other.kill();
    }
    assert.equal(await withLock(folder, () => Promise.resolve("ran")), "ran");
    assert.deepEqual(readdirSync(join(folder, ".setup")), [".gitignore"]);
  });
});

describe("set-up: installing the engine", () => {
  interface Installer {
    installAtomically: (
      target: string,
      prepare: (temporaryFolder: string) => Promise<string | null>,
    ) => Promise<boolean>;
  }
  const engineOf = (content: string) => (temporaryFolder: string) => {
    mkdirSync(join(temporaryFolder, "engine"));
    writeFileSync(join(temporaryFolder, "engine", "pulumi"), content);
    return Promise.resolve(join(temporaryFolder, "engine"));
  };
  const versions = () => join(folder, "versions");
  const target = () => join(versions(), "3.250.0");

  it("replaces an incomplete engine", async () => {
    const { installAtomically } = await load<Installer>("install-engine.mjs");
    mkdirSync(join(target(), "bin"), { recursive: true });
    writeFileSync(join(target(), "bin", "incomplete"), "");
    assert.equal(await installAtomically(target(), engineOf("complete")), true);
    assert.deepEqual(readdirSync(target()), ["pulumi"]);
    assert.deepEqual(readdirSync(versions()), ["3.250.0"]);
  });

  it("removes its temporary folder after an error, or if there is no engine", async () => {
    const { installAtomically } = await load<Installer>("install-engine.mjs");
    const fails = (temporaryFolder: string) => {
      writeFileSync(join(temporaryFolder, "incomplete"), "");
      return Promise.reject(new Error("no network"));
    };
    await assert.rejects(installAtomically(target(), fails), /no network/);
    assert.equal(await installAtomically(target(), () => Promise.resolve(null)), false);
    assert.deepEqual(readdirSync(versions()), []);
  });

  it("removes the temporary folder of a set-up that was killed", async () => {
    const { installAtomically } = await load<Installer>("install-engine.mjs");
    mkdirSync(join(versions(), ".wireguard-mesh-setup-999999999"), { recursive: true });
    await installAtomically(target(), engineOf("complete"));
    assert.deepEqual(readdirSync(versions()), ["3.250.0"]);
  });

  it("suggests PULUMI_HOME if the folder cannot be created", async () => {
    const { installAtomically } = await load<Installer>("install-engine.mjs");
    writeFileSync(join(folder, "versions"), "a file");
    await assert.rejects(installAtomically(target(), engineOf("complete")), /export PULUMI_HOME=/);
  });
});

describe("set-up: child processes", () => {
  interface Child {
    run: (
      command: string,
      args: string[],
      options: { seconds: number },
    ) => Promise<{ ok: boolean; stdout: string; output: string }>;
  }

  function isRunning(pid: string): boolean {
    try {
      return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
    } catch {
      return false;
    }
  }

  it("kills a program that exceeds its time limit, and its children", async () => {
    const { run } = await load<Child>("child.mjs");
    const pidFile = join(folder, "pid");
    const script = `sleep 300 & echo $! > ${pidFile}; wait`;
    const outcome = await run("/bin/sh", ["-c", script], { seconds: 1 });
    assert.equal(outcome.ok, false);
    assert.equal(outcome.output, "timed out after 1 s");
    const pid = readFileSync(pidFile, "utf8").trim();
    // A killed process closes its pipes, which ends run(), shortly before it counts as dead.
    for (let tries = 0; isRunning(pid) && tries < 100; tries++) await wait(20);
    assert.equal(isRunning(pid), false, "the grandchild was killed");
  });

  it("reports why a program was not started, and the output of one that failed", async () => {
    const { run } = await load<Child>("child.mjs");
    assert.match((await run("no-such-program", [], { seconds: 5 })).output, /ENOENT|EACCES/);
    const failed = await run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], { seconds: 5 });
    assert.deepEqual([failed.ok, failed.stdout], [false, "out"]);
    assert.match(failed.output, /out[^]*err|err[^]*out/);
  });
});
