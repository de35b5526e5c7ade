/** The text of the host's program: how it is called, what it must not use, and that a truncated program does nothing. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as fc from "fast-check";
import { parseComplaint } from "../../scripts/push/conversation";
import { hostCall, hostProgram } from "../../scripts/push/host-program";
import { UNDO_AFTER_S } from "../../scripts/push/limits";
import { runFunctions } from "./support/host-shell";

const FOLDER = path.join(__dirname, "../../scripts/push/host");
const TOKEN = "0123456789abcdef";
const SHELLS = ["dash", "bash", "busybox", "mksh"].filter(
  (shell) => spawnSync("sh", ["-c", `command -v ${shell}`]).status === 0,
);

function sh(
  shell: string,
  input: string,
): { status: number | null; stdout: string; stderr: string } {
  const argv = shell === "busybox" ? ["sh", "-s"] : ["-s"];
  return spawnSync(shell, argv, { input, encoding: "utf8" });
}

describe("the host's program", () => {
  it("has at most 1240 lines, and no file over 250", () => {
    const files = fs.readdirSync(FOLDER).map((name) => {
      const text = fs.readFileSync(path.join(FOLDER, name), "utf8");
      return { name, lines: text.split("\n").length - 1 };
    });
    const sum = files.reduce((all, { lines }) => all + lines, 0);
    assert.ok(sum <= 1240, `${sum} lines`);
    assert.deepEqual(
      files.filter(({ lines }) => lines > 250),
      [],
    );
  });

  it("undoes a change after as many seconds as the operator counts on", () => {
    assert.match(hostProgram(), new RegExp(`^UNDO_AFTER_S=${UNDO_AFTER_S}$`, "m"));
  });

  it("has no here-document, which some shells keep in a file in /tmp", () => {
    assert.doesNotMatch(withoutComments(hostProgram()), /<</);
  });

  it("measures no duration with a clock", () => {
    const used = withoutComments(hostProgram()).match(/^.*(\/proc\/uptime|\bdate\b).*$/gm) ?? [];
    const others = used.filter((line) => !/\bawk -v now="\$\(date \+%s\)"/.test(line));
    // Dates of peers and handshakes are compared with the clock. The fourth use reports a wrong clock to the operator.
    assert.deepEqual([used.length, others.length], [4, 1]);
  });

  for (const shell of SHELLS) {
    it(`only defines functions in ${shell}, wherever it is cut before its call`, () => {
      const program = hostCall("status", "lo", TOKEN);
      const end = hostProgram().length;
      // A cut inside a name leaves the name of an earlier function.
      const longer = hostProgram().indexOf("\nobserve_hosts()") + "\nobserve".length;
      const cuts = fc.integer({ min: 0, max: end });
      fc.assert(
        fc.property(cuts, (length) => {
          assert.equal(sh(shell, program.slice(0, length)).stdout, "");
        }),
        { numRuns: 30, examples: [[end], [longer]] },
      );
    });

    it(`reports itself in ${shell}, in sections with the token`, () => {
      const { stdout, stderr } = sh(shell, hostCall("status", "lo", TOKEN));
      const sections = stdout.match(new RegExp(`(?<=^@${TOKEN} )\\S+$`, "gm"));
      const all = "host ip wg kernel table files records config hosts mounts names own-keys end";
      assert.deepEqual(sections, all.split(" "), stderr);
    });

    it(`refuses in ${shell} an invalid interface name and an unknown verb`, () => {
      const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "host-program-")), "host.sh");
      fs.writeFileSync(file, hostProgram());
      const run = (...args: string[]) => {
        const argv = shell === "busybox" ? ["sh", file] : [file];
        const done = spawnSync(shell, [...argv, ...args], { encoding: "utf8" });
        return [done.status, done.stdout, parseComplaint(done.stderr)?.split("\n")[0]];
      };
      for (const name of ["../x", ".x", "a b", "sixteen-letters-", ""]) {
        assert.deepEqual(run("remove", name), [1, "", `${name} is no interface name`]);
      }
      assert.deepEqual(run("nothing", "lo"), [1, "", "unknown verb nothing"]);
      fs.rmSync(path.dirname(file), { recursive: true });
    });
  }
});

describe("a call of the host's program", () => {
  it("is the program and one line", () => {
    const text = hostCall("push", "wg0", TOKEN, ["-", "a b"]);
    assert.ok(text.startsWith(hostProgram()));
    const call = text.slice(hostProgram().length);
    assert.match(call, /main push wg0 0123456789abcdef - 'a b'; exit\n$/);
  });

  it("rejects a word that the shell would split, and a question that would end its quotes", () => {
    const odd = fc
      .tuple(fc.string(), fc.constantFrom("'", '"', "$", "`", "\\", ";", "\n", "*", "&", "|", "\t"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(odd, (word) => {
        assert.throws(() => hostCall("push", "wg0", TOKEN, [word]), /not plain/);
      }),
    );
    assert.throws(() => hostCall("push", "wg0", TOKEN, [], "name\t'; reboot; '\n"), /quote/);
  });
});

describe("the complaint of a host", () => {
  it("is its last error with the remedy, whatever else is on stderr", () => {
    const stderr =
      "[#] ip link add\nerror: first\nremedy: one\nwarning: x\nerror: second\nremedy: two\nbye\n";
    assert.equal(parseComplaint(stderr), "second\ntwo");
    assert.equal(parseComplaint("no complaint here\n"), null);
  });

  for (const [error, remedy] of [
    ["No space left on device", "make room there: df -h /etc/wireguard"],
    ["Read-only file system", "findmnt -T /etc/wireguard/wg0.conf"],
    ["Operation not permitted", "chattr -i /etc/wireguard/wg0.conf"],
    ["Device or resource busy", "umount /etc/wireguard/wg0.conf"],
    ["Not a directory", "ls -ld /etc/wireguard; move it away"],
    ["File exists", "ls -ld /etc/wireguard/wg0.conf; move it away"],
    ["Is a directory", "ls -ld /etc/wireguard/wg0.conf; move it away"],
    ["Permission denied", "ls -lZd /etc/wireguard/wg0.conf"],
    ["Quantum decoherence", "ls -ld /etc/wireguard/wg0.conf; df -h /etc/wireguard"],
  ] as const) {
    it(`has the remedy for: ${error}`, () => {
      const file = "/etc/wireguard/wg0.conf";
      const write = `cannot_write ${file} "sh: ${file}: ${error}"`;
      const { stderr } = runFunctions({ name: "sh", argv: ["sh", "-c"], before: "" }, write);
      // The only remedy when the program is run by hand, without an operator.
      assert.match(stderr, /^remedy: look on the host: ls -ld \S+; df -h \/etc\/wireguard$/m);
      const [cause, text = ""] = parseComplaint(stderr)?.split("\n") ?? [];
      assert.equal(cause, `cannot write ${file}: ${error}`);
      assert.ok(text.includes(remedy), text);
    });
  }
});

function withoutComments(program: string): string {
  return program
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n");
}
