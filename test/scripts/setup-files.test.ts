/** What the set-up leaves on disk and relies on later: its memory, its lock, the engine's place. A note that lies is worse than none. */
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

const setup = join(__dirname, "../../scripts/setup");

/** The set-up is plain JavaScript that needs no npm package, so it is loaded as it is. */
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

describe("set-up: memory", () => {
  interface Memory {
    remember: (root: string, name: string, value: string, files: string[]) => void;
    recall: (root: string, name: string) => string | null;
  }
  const noted = async () => {
    const memory = await load<Memory>("cache.mjs");
    const file = join(folder, "pulumi");
    writeFileSync(file, "one");
    memory.remember(folder, "engine", "v3.250.0", [file]);
    return { ...memory, file };
  };

  it("recalls what was noted, also beside a second note", async () => {
    const { remember, recall } = await noted();
    remember(folder, "other", "x", []);
    assert.equal(recall(folder, "engine"), "v3.250.0");
    assert.equal(recall(folder, "other"), "x");
    assert.equal(recall(folder, "never noted"), null);
  });

  it("forgets when the file has vanished", async () => {
    const { recall, file } = await noted();
    rmSync(file);
    assert.equal(recall(folder, "engine"), null);
  });

  it("forgets when the file is another one", async () => {
    const { recall, file } = await noted();
    writeFileSync(file, "another");
    assert.equal(recall(folder, "engine"), null);
  });

  it("remembers nothing of a damaged memory, and writes a good one over it", async () => {
    const { remember, recall } = await noted();
    writeFileSync(join(folder, ".setup", "memory"), "{ half");
    assert.equal(recall(folder, "engine"), null);
    remember(folder, "engine", "again", []);
    assert.equal(recall(folder, "engine"), "again");
  });

  it("keeps itself out of git", async () => {
    await noted();
    assert.equal(readFileSync(join(folder, ".setup", ".gitignore"), "utf8"), "*\n");
  });
});

describe("set-up: lock", () => {
  interface Lock {
    withLock: <T>(root: string, work: () => Promise<T>) => Promise<T>;
  }

  it("lets the second set-up start when the first has ended", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    // A process of its own, named as a set-up is: it holds the lock until its stdin ends.
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
    assert.equal(await second, true, "the second one began when the first one's work was done");
    assert.deepEqual(await exited, [0, null]);
  });

  it("lets a step that has the lock call another that wants it", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    assert.equal(
      await withLock(folder, () => withLock(folder, () => Promise.resolve("inner"))),
      "inner",
    );
    assert.deepEqual(readdirSync(join(folder, ".setup")), [".gitignore"]);
  });

  it("takes the lock of a set-up that is dead, and releases its own after a failure", async () => {
    const { withLock } = await load<Lock>("lock.mjs");
    mkdirSync(join(folder, ".setup"));
    // Process 1 lives, and is no set-up: its number could as well have been given to another process since.
    writeFileSync(join(folder, ".setup", "lock"), "1");
    await assert.rejects(
      withLock(folder, () => Promise.reject(new Error("work failed"))),
      /work failed/,
    );
    assert.equal(await withLock(folder, () => Promise.resolve("ran")), "ran");
    assert.deepEqual(readdirSync(join(folder, ".setup")), [".gitignore"]);
  });
});

describe("set-up: the engine's place", () => {
  interface Place {
    installAtomically: (
      place: string,
      work: (temporary: string) => Promise<string | null>,
    ) => Promise<boolean>;
  }
  const made = (content: string) => (temporary: string) => {
    mkdirSync(join(temporary, "engine"));
    writeFileSync(join(temporary, "engine", "pulumi"), content);
    return Promise.resolve(join(temporary, "engine"));
  };
  const versions = () => join(folder, "versions");
  const place = () => join(versions(), "3.250.0");

  it("puts a finished engine there, over a half one", async () => {
    const { installAtomically } = await load<Place>("install-engine.mjs");
    mkdirSync(join(place(), "bin"), { recursive: true });
    writeFileSync(join(place(), "bin", "half"), "");
    assert.equal(await installAtomically(place(), made("whole")), true);
    assert.deepEqual(readdirSync(place()), ["pulumi"]);
    assert.deepEqual(readdirSync(versions()), ["3.250.0"]);
  });

  it("leaves nothing behind when the work fails or gives nothing", async () => {
    const { installAtomically } = await load<Place>("install-engine.mjs");
    const fails = (temporary: string) => {
      writeFileSync(join(temporary, "half"), "");
      return Promise.reject(new Error("no network"));
    };
    await assert.rejects(installAtomically(place(), fails), /no network/);
    assert.equal(await installAtomically(place(), () => Promise.resolve(null)), false);
    assert.deepEqual(readdirSync(versions()), []);
  });

  it("clears away what a killed set-up left", async () => {
    const { installAtomically } = await load<Place>("install-engine.mjs");
    mkdirSync(join(versions(), ".wireguard-mesh-setup-999999999"), { recursive: true });
    await installAtomically(place(), made("whole"));
    assert.deepEqual(readdirSync(versions()), ["3.250.0"]);
  });

  it("names the remedy when the folder cannot be made", async () => {
    const { installAtomically } = await load<Place>("install-engine.mjs");
    writeFileSync(join(folder, "versions"), "a file");
    await assert.rejects(installAtomically(place(), made("whole")), /export PULUMI_HOME=/);
  });
});

describe("set-up: helper programs", () => {
  interface Child {
    run: (
      command: string,
      args: string[],
      how: { seconds: number },
    ) => Promise<{ ok: boolean; stdout: string; output: string }>;
  }

  it("ends a program that is out of time, with all that it started", async () => {
    const { run } = await load<Child>("child.mjs");
    const pidFile = join(folder, "pid");
    const script = `sleep 300 & echo $! > ${pidFile}; wait`;
    const outcome = await run("/bin/sh", ["-c", script], { seconds: 1 });
    assert.equal(outcome.ok, false);
    assert.equal(outcome.output, "timed out after 1 s");
    const status = `/proc/${readFileSync(pidFile, "utf8").trim()}/stat`;
    const isGone = !existsSync(status) || readFileSync(status, "utf8").includes(") Z ");
    assert.ok(isGone, "the grandchild was killed");
  });

  it("tells a program that is not there from one that fails", async () => {
    const { run } = await load<Child>("child.mjs");
    assert.match((await run("no-such-program", [], { seconds: 5 })).output, /ENOENT/);
    const failed = await run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], { seconds: 5 });
    assert.deepEqual([failed.ok, failed.stdout], [false, "out"]);
    assert.match(failed.output, /out[^]*err|err[^]*out/);
  });
});
