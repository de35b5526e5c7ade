/** The pings of a host (scripts/push/probe.sh), with a stand-in for ping(8). */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeScript } from "../../scripts/push/probe-host";

/** The arguments end with `-s SIZE ADDRESS`. */
const SIZE = 'for last; do size=$before before=$last; done; [ "$size" -gt 0 ] || size=56';
const RTT = "rtt min/avg/max/mdev = 0.401/0.5/0.6/0.1 ms";

describe("the pings of a host", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), "probe-"));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  /** Runs a probe; `ping` is the script of the stand-in. */
  function probed(ping: string, size: number, isTimed?: true): string[] {
    fs.writeFileSync(join(folder, "ping"), `#!/bin/sh\n${SIZE}\n${ping}\n`, { mode: 0o755 });
    const probe = { address: "10.0.0.1", size, timeoutS: 2, ...(isTimed ? { isTimed } : {}) };
    const { stdout } = spawnSync("sh", ["-c", probeScript([probe])], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: "utf8",
    });
    return stdout.split("\n").filter((line) => /^(ping|size) /.test(line));
  }

  it("report the round trip as iputils and as busybox print it, and 0 ms if it is not printed", () => {
    assert.deepEqual(probed(`echo '${RTT}'`, 0), ["ping 10.0.0.1 0.401"]);
    const busybox = "echo 'round-trip min/avg/max = 7.2/7.3/7.4 ms'";
    assert.deepEqual(probed(busybox, 0), ["ping 10.0.0.1 7.2"]);
    assert.deepEqual(probed("echo '1 packet'", 0), ["ping 10.0.0.1 0"]);
  });

  it("send one large ping if that is answered, and search for the size if it is not", () => {
    const counted = `echo x >>${join(folder, "count")}; [ "$size" -le LIMIT ] && echo '${RTT}'`;
    const answered = ["ping 10.0.0.1 0.401", "size 10.0.0.1 1392"];
    assert.deepEqual(probed(counted.replace("LIMIT", "1392"), 1392), answered);
    assert.equal(fs.readFileSync(join(folder, "count"), "utf8"), "x\n");
    const [, found] = probed(counted.replace("LIMIT", "1300"), 1392);
    const size = Number(found?.split(" ")[2]);
    assert.ok(size > 1295 && size <= 1300, found);
  });

  it("report a loss, and measure three round trips where that is wanted", () => {
    assert.deepEqual(probed("exit 1", 1392), ["ping 10.0.0.1 lost"]);
    const three = `case "$*" in *'-c 3'*) echo 'rtt min/avg/max/mdev = 0.1/0.2/0.3/0.1 ms' ;; *) echo '${RTT}' ;; esac`;
    assert.deepEqual(probed(three, 0, true), ["ping 10.0.0.1 0.1"]);
    assert.deepEqual(probed(three, 0), ["ping 10.0.0.1 0.401"]);
  });
});
