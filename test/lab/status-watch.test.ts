/** `status --watch`: one login for each host, rates, a relay that is down, and nothing left at the end. Needs root. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { relay } from "../../scripts/lab/scenarios/relay";
import { poll } from "../../scripts/poll";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";

const PROGRAM = "dist/scripts/wireguard-mesh.js";
const WATCH = ["node", PROGRAM, "status", "--watch", "1"];
const SOON = { limitMs: 60_000, pauseMs: 20 };

interface Look {
  at: string;
  ok: boolean;
  nodes: Record<string, { reachable: boolean | null; cause?: string; drift: string[] }>;
  links: { a: string; b: string; state: string; aToB: number | null; bToA: number | null }[];
}

describe("status --watch", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  /** Of these commands alone: other tests run at the same time. */
  let temporary: string;

  before(async () => {
    mesh = await meshLab(relay, "test-status-watch");
    temporary = path.join(mesh.lab.folder.root, "tmp");
    fs.mkdirSync(temporary);
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  /** `text` returns the output so far. */
  function start(...more: string[]): { child: ChildProcess; text: () => string } {
    const child = mesh.lab.spawn("operator", [...WATCH, ...more], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { TMPDIR: temporary },
    });
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    return { child, text: () => text };
  }

  function looksIn(text: string): Look[] {
    const lines = text.split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Look);
  }

  async function end(child: ChildProcess): Promise<number | null> {
    child.kill("SIGINT");
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  }

  /** The processes and files that it may leave on the operator. */
  async function left(): Promise<string> {
    const script = `ls ${temporary} | grep ^wireguard-mesh-; pgrep -fa 'ssh -[E] ${temporary}/'; true`;
    return (await mesh.lab.exec("operator", ["sh", "-c", script])).stdout;
  }

  it("without --watch, starts one ssh for each host, and one agent for all of them", async () => {
    const folder = path.join(mesh.lab.folder.root, "counted");
    fs.mkdirSync(folder);
    const script = [
      "for name in ssh ssh-agent ssh-add; do",
      'printf \'#!/bin/sh\\necho %s >>%s/started\\nexec %s "$@"\\n\' $name "$0" "$(command -v $name)" >"$0/$name"; done',
      `chmod 755 "$0"/*; PATH=$0:$PATH exec node ${PROGRAM} status`,
    ].join("\n");
    succeeded(await mesh.lab.exec("operator", ["sh", "-c", script, folder]));
    const started = fs.readFileSync(path.join(folder, "started"), "utf8").trim().split("\n");
    assert.deepEqual(started.sort(), ["ssh", "ssh", "ssh", "ssh-add", "ssh-agent"]);
  });

  it("`up --check` without a difference logs in to each host once", async () => {
    const before = session.logins();
    const up = await session.command("up", "--check", "--yes", "--skip-preview");
    assert.match(succeeded(up).stdout, /Tunnels: 2 of 2 have a handshake/);
    assert.deepEqual(session.loginsSince(before), { relay: 1, desktop: 1, laptop: 1 });
  });

  it("prints a JSON object on a line each time, with one login to each host, and ends at Ctrl-C", async () => {
    const before = session.logins();
    const { child, text } = start("--json");
    const looks = await poll(() => {
      const all = looksIn(text());
      return all.length >= 4 ? all : undefined;
    }, SOON);
    assert.ok(looks !== undefined);
    for (const { ok, links } of looks) {
      assert.equal(ok, true);
      assert.deepEqual(
        links.map(({ a, b, state }) => [a, b, state]),
        [
          ["desktop", "relay", "alive"],
          ["laptop", "relay", "alive"],
        ],
      );
    }
    assert.deepEqual(
      looks[0]?.links.map(({ aToB }) => aToB),
      [null, null],
    );
    assert.equal(await end(child), 0);
    assert.deepEqual(session.loginsSince(before), { relay: 1, desktop: 1, laptop: 1 });
    assert.equal(await left(), "");
  });

  it("has the rate of each tunnel, as pings of a known size show", async () => {
    const { child, text } = start("--json");
    // 10 a second of 1,000 bytes with 8 of ICMP, 20 of IP and 32 of WireGuard, padded to 16: 1,072 each.
    const ping = ["ping", "-q", "-i", "0.1", "-s", "1000", "10.0.0.2"];
    const pings = mesh.lab.spawn("laptop", ping, { stdio: "ignore" });
    const rates = await poll(() => {
      const all = looksIn(text()).flatMap(
        ({ links }) => links.find(({ a }) => a === "laptop") ?? [],
      );
      const near = ({ aToB, bToA }: Look["links"][number]): boolean =>
        [aToB, bToA].every((rate) => rate !== null && rate > 8_000 && rate < 14_000);
      return all.some(near) || undefined;
    }, SOON);
    pings.kill();
    await end(child);
    assert.equal(rates, true, text());
  });

  it("goes on while the relay is down, reports what is unknown, and recovers", async () => {
    const { child, text } = start("--json");
    const seen = (isRight: (look: Look) => boolean) =>
      poll(() => looksIn(text()).slice(-1).find(isRight), SOON);
    assert.ok(await seen(({ nodes }) => nodes["relay"]?.reachable === true));
    await mesh.lab.disconnect("relay");
    const without = await seen(({ nodes }) => nodes["relay"]?.reachable === false);
    assert.ok(without !== undefined, text());
    assert.equal(without.ok, false);
    assert.match(without.nodes["relay"]?.cause ?? "", /\S/);
    assert.equal(without.nodes["desktop"]?.reachable, true);
    const other = start("--json");
    assert.ok(await poll(() => (other.text() === "" ? undefined : true), SOON));
    const begun = performance.now();
    await end(other.child);
    // Not the 18 seconds of a failed login.
    assert.ok(performance.now() - begun < 6_000);
    await mesh.lab.reconnect("relay");
    assert.ok(await seen(({ nodes }) => nodes["relay"]?.reachable === true), text());
    await end(child);
    assert.equal(await left(), "");
  });

  it("prints a block each time without a terminal, and one screen of 80 columns on a terminal", async () => {
    const plain = start("desktop");
    const blocks = await poll(() => {
      const all = plain.text().split(/\n\n(?=\d\d:)/);
      return all.length > 2 ? all : undefined;
    }, SOON);
    await end(plain.child);
    assert.match(
      blocks?.[1] ?? "",
      /^\d\d:\d\d:\d\d {2}\S+, every 1 s\n\nNODE +PEER +STATE +AGE +SENT +RECEIVED\ndesktop +relay +alive +/,
    );
    const script = `stty cols 80 rows 24; exec timeout -s INT 15 ${WATCH.join(" ")}`;
    const argv = ["script", "-qec", script, "/dev/null"];
    const env = { TERM: "xterm", TMPDIR: temporary };
    const { stdout } = await mesh.lab.exec("operator", argv, { env });
    assert.ok(stdout.includes("\u001B[?1049h") && stdout.includes("\u001B[?25h\u001B[?1049l"));
    const lines = stdout
      .replaceAll("\u001B[H", "\n")
      .replaceAll("\u001B[?1049l", "\n")
      // eslint-disable-next-line no-control-regex -- ESC begins what moves the cursor and colours
      .replaceAll(/\u001B\[[?\d;]*[A-Za-z]/g, "")
      .split(/\r?\n/);
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    assert.ok(lines.filter((line) => line.startsWith("NODE")).length > 2);
    assert.equal(await left(), "");
  });

  it("ends when its stdout is closed, and leaves nothing when it is killed", async () => {
    const script = `${WATCH.join(" ")} --json | head -n 1 | wc -l`;
    const env = { TMPDIR: temporary };
    const { stdout } = await mesh.lab.exec("operator", ["sh", "-c", script], { env });
    assert.equal(stdout.trim(), "1");
    assert.equal(await left(), "");
    const { child, text } = start("--json");
    assert.ok(await poll(() => (text() === "" ? undefined : true), SOON));
    child.kill("SIGKILL");
    assert.ok(await poll(async () => ((await left()) === "" ? true : undefined), SOON));
  });

  it("leaks no secret", () => session.leaks.end());
});
