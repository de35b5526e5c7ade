/** Running a script as root on the local machine: time limit, and stderr line by line. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import type { HostAccess, HostTarget } from "../../mesh/push-request";
import { poll } from "../../scripts/poll";
import { runOnHost, withHost } from "../../scripts/push/connect";
import { hostKeyLine } from "../support/key-pairs";
import { programs } from "../support/programs";

const LOCAL: HostAccess = { node: "laptop", targets: [{ kind: "local" }], sshPrivateKey: null };

const SOON = { limitMs: 5_000, pauseMs: 10 };

/** A target at a server of the test. */
function way(port: number): HostTarget {
  const hop = { user: "root", address: "127.0.0.1", port, hostKeys: [hostKeyLine(1)] };
  return { kind: "ssh", hop: { ...hop, authority: null }, via: [] };
}

describe("a script on the local machine", function () {
  before(function () {
    // Another user would need passwordless sudo, which a test must not require.
    programs.requireRoot(this);
  });

  it("runs as root and returns its output, exit code and target", async () => {
    const script = "id -u; read -r line <<'X'\nfrom stdin\nX\necho $line; echo noise >&2; exit 3";
    const run = await runOnHost(LOCAL, script, { limitMs: 10_000 });
    const expected = {
      stdout: "0\nfrom stdin\n",
      stderr: "noise\n",
      exitCode: 3,
      through: "local",
    };
    assert.deepEqual(run, expected);
  });

  it("reports stderr line by line while it runs", async () => {
    const lines: string[] = [];
    const onStderr = (line: string): undefined => void lines.push(line);
    await runOnHost(LOCAL, "printf 'a\\nb' >&2; sleep 0.2; echo c >&2", {
      limitMs: 10_000,
      onStderr,
    });
    assert.deepEqual(lines, ["a", "bc"]);
  });

  it("is killed after the time limit with all its children", async () => {
    const start = Date.now();
    const run = await runOnHost(LOCAL, "echo begun; sleep 60 & sleep 61", { limitMs: 500 });
    assert.deepEqual([run.stdout, run.exitCode], ["begun\n", null]);
    assert.ok(Date.now() - start < 5_000);
  });

  it("gets more time if onStderr returns a new limit", async () => {
    const script = "echo progress: x >&2; sleep 1; echo done";
    const onStderr = (line: string): number | undefined =>
      line === "progress: x" ? 10_000 : undefined;
    const run = await runOnHost(LOCAL, script, { limitMs: 700, onStderr });
    assert.deepEqual([run.stdout, run.exitCode], ["done\n", 0]);
  });

  it("can be a session, with the host's lock file and progress messages", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-connect-"));
    const lockFile = path.join(folder, "wg0");
    fs.writeFileSync(lockFile, "0a1b2c\nmore\n");
    const progress: string[] = [];
    const options = { lockFile, onProgress: (text: string): void => void progress.push(text) };
    const answers = await withHost(LOCAL, (host) =>
      host.session(options, async (session) => {
        session.send("echo progress: installs >&2; echo other >&2; id -u; echo observed\n");
        const before = await session.until("observed", 10_000);
        session.send("exit 3\n");
        const { exitCode, stderr } = await session.finish(10_000);
        return { before, exitCode, stderr, last: session.lastChange, by: session.through };
      }),
    );
    assert.deepEqual(answers, {
      ...{ before: ["0"], exitCode: 3, last: "0a1b2c", by: "local" },
      stderr: "progress: installs\nother\n",
    });
    assert.deepEqual(progress, ["installs"]);
    fs.rmSync(folder, { recursive: true });
  });

  it("is reached by the former address that works, without waiting for the others", async () => {
    const silent = net.createServer();
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const { port } = silent.address() as net.AddressInfo;
    let open = 0;
    const dialled = new Promise<void>((resolve) => {
      silent.on("connection", (socket) => {
        open++;
        socket.on("error", () => undefined).on("close", () => open--);
        resolve();
      });
    });
    const access = { ...LOCAL, targets: [way(1)] };
    const former = () => Promise.resolve([way(port), ...LOCAL.targets]);
    const run = await withHost(access, async (host) =>
      host.session({ former }, async (session) => {
        await dialled;
        return { through: session.through, open };
      }),
    );
    assert.deepEqual(run, { through: "local", open: 1 });
    silent.close();
  });

  it("is tried at its own address once more after the relays were asked, because they may route it again", async () => {
    const host = net.createServer((socket) => socket.destroy());
    await once(host.listen(0, "127.0.0.1"), "listening");
    const { port } = host.address() as net.AddressInfo;
    host.close();
    await once(host, "close");
    let dialled = 0;
    host.on("connection", () => dialled++);
    const former = async () => {
      await once(host.listen(port, "127.0.0.1"), "listening");
      return LOCAL.targets;
    };
    await withHost({ ...LOCAL, targets: [way(port)] }, async (one) =>
      one.session({ former }, () => poll(() => (dialled > 0 ? true : undefined), SOON)),
    ).finally(() => host.close());
    assert.ok(dialled > 0);
  });

  it("is ended with the session, whatever it runs", async () => {
    const begun = Date.now();
    await assert.rejects(
      withHost(LOCAL, (host) =>
        host.session({}, (session) => {
          session.send("sleep 60\n");
          return Promise.reject(new Error("decided otherwise"));
        }),
      ),
      /decided otherwise/,
    );
    assert.ok(Date.now() - begun < 5_000);
  });

  it("gets few variables of the environment, and none of the engine's", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "open sesame";
    process.env["AWS_SECRET_ACCESS_KEY"] = "open sesame";
    try {
      const run = await runOnHost(LOCAL, "env", { limitMs: 10_000 });
      assert.doesNotMatch(run.stdout, /open sesame|PULUMI|AWS/);
      assert.match(run.stdout, /^PATH=/m);
    } finally {
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
      delete process.env["AWS_SECRET_ACCESS_KEY"];
    }
  });

  it("throws when it prints without end", async () => {
    await assert.rejects(runOnHost(LOCAL, "exec yes", { limitMs: 60_000 }), {
      name: "SessionLost",
      message: /^laptop: the host printed more than 16 MB/,
    });
  });
});

describe("a script by ssh", () => {
  let folder: string;
  let path0: string | undefined;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "wgm-ssh-"));
    // A stand-in for ssh: shows its environment, and runs the remote command, its last argument, with a log like ssh's.
    const ssh = `#!/bin/sh
      for last; do :; done
      log=$2
      echo 'debug1: Sending command: x' >>"$log"
      echo "ran $*" >>${folder}/ran
      env >>${folder}/env
      sh -c "$last"
      code=$?
      echo 'debug1: Exit status' >>"$log"
      exit $code
    `;
    fs.writeFileSync(path.join(folder, "ssh"), ssh, { mode: 0o755 });
    path0 = process.env["PATH"];
    process.env["PATH"] = `${folder}:${path0 ?? ""}`;
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "open sesame";
    process.env["KRB5CCNAME"] = "/tmp/krb5cc";
  });
  after(() => {
    process.env["PATH"] = path0;
    delete process.env["PULUMI_CONFIG_PASSPHRASE"];
    delete process.env["KRB5CCNAME"];
    fs.rmSync(folder, { recursive: true });
  });

  it("starts ssh once for each login, without the engine's variables, and no log in its stderr", async () => {
    const hop = { user: "root", address: "203.0.113.10", port: 22, hostKeys: ["ssh-ed25519 AAAA"] };
    const access: HostAccess = {
      node: "relay",
      targets: [{ kind: "ssh", hop: { ...hop, authority: null }, via: [] }],
      sshPrivateKey: null,
    };
    const run = await runOnHost(access, "echo out; echo noise >&2; exit 3", { limitMs: 10_000 });
    const expected = { stdout: "out\n", stderr: "noise\n", exitCode: 3 };
    assert.deepEqual(run, { ...expected, through: "root@203.0.113.10" });
    assert.equal(fs.readFileSync(path.join(folder, "ran"), "utf8").match(/^ran/gm)?.length, 1);
    const env = fs.readFileSync(path.join(folder, "env"), "utf8");
    assert.doesNotMatch(env, /open sesame|PULUMI/);
    assert.match(env, /^KRB5CCNAME=\/tmp\/krb5cc$/m);
  });
});
