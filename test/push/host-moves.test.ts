/** How the watcher on a relay removes a peer's former addresses, in every shell of this machine. */
import * as assert from "node:assert/strict";
import { runFunctions, SHELLS, type Shell } from "./support/host-shell";

const NEW = "10.0.0.9/32";
const LINE = `former wg0 ${NEW} 10.0.0.2/32,fd00::2/128`;
const OTHER = "OTHER\t110.0.0.9/32 10.0.0.99/32";

for (const shell of SHELLS) {
  describe(`the watcher of moves, under ${shell.name}`, () => {
    const both = `KEY\t${NEW} 192.168.1.0/24 10.0.0.2/32 fd00::2/128`;
    const own = `KEY\t${NEW} 192.168.1.0/24`;

    it("removes the former addresses of a peer that answers at its new one", () => {
      assert.deepEqual(look(shell, both, { answers: true }), [
        `wg set wg0 peer KEY allowed-ips ${NEW},192.168.1.0/24`,
      ]);
    });

    it("gives them back to a peer that does not answer there", () => {
      assert.deepEqual(look(shell, own, { answers: false }), [
        `wg set wg0 peer KEY allowed-ips 10.0.0.2/32,fd00::2/128,${NEW},192.168.1.0/24`,
      ]);
    });

    it("does not change a peer that is as it should be, or is missing", () => {
      assert.deepEqual(look(shell, own, { answers: true }), []);
      assert.deepEqual(look(shell, both, { answers: false }), []);
      assert.deepEqual(look(shell, "KEY\t(none)", { answers: false }), []);
    });

    it("does so for a peer that has moved to another relay, by its key", () => {
      const line = `former wg0 ${NEW} 10.0.0.2/32 K+/Y=`;
      const led = (own: string) => `RELAY\t${NEW}\nK+/Y=\t${own}`;
      const lookAt = (own: string, answers: boolean) => look(shell, led(own), { answers, line });
      assert.deepEqual(lookAt("10.0.0.2/32", true), ["wg set wg0 peer K+/Y= allowed-ips "]);
      assert.deepEqual(lookAt("(none)", false), ["wg set wg0 peer K+/Y= allowed-ips 10.0.0.2/32"]);
      assert.deepEqual(lookAt("10.0.0.9/32 10.0.0.2/32", true), [
        "wg set wg0 peer K+/Y= allowed-ips 10.0.0.9/32",
      ]);
      assert.deepEqual(lookAt("(none)", true), []);
      assert.deepEqual(lookAt("10.0.0.2/32", false), []);
    });

    it("routes an address to the one of two peers through which it answers, else to the former one", () => {
      const [old, now] = ["OLD-KEY", "NEW-KEY"];
      assert.deepEqual(holders(shell, { first: old, by: [old, now, old] }), [
        ...[old, now, old],
        `${now} ${NEW}`,
        `${old} 10.0.0.1/32,${NEW}`,
      ]);
      assert.deepEqual(holders(shell, { first: now, by: ["none", old] }).slice(0, 2), [old, old]);
      assert.deepEqual(holders(shell, { first: old, by: ["none", now] }).slice(0, 2), [old, now]);
    });

    it("pings all hosts at once, so that a silent one does not delay the others", () => {
      const script = `TOKEN=mine
timeout() { shift; "$@"; }
ping() { echo "asks" >>"$FOLDER/pings"; sleep 0.3; echo "gives up" >>"$FOLDER/pings"; false; }
wg() { [ "$1" = set ] || printf 'OLD-KEY\\t(none)\\nNEW-KEY\\t(none)\\n'; }
follow_moves; cat "$FOLDER/pings"`;
      const lines = (kind: string, rest: string) =>
        [7, 8, 9].map((at) => `${kind} wg0 10.0.0.${at}/32 ${rest}\n`).join("");
      const pings = (rotation: string) =>
        runFunctions(shell, script, { "run/watcher": "mine\n", "run/rotation": rotation }).stdout;
      const once = "asks\n".repeat(3) + "gives up\n".repeat(3);
      assert.equal(pings(lines("home", "OLD-KEY NEW-KEY")), once.repeat(4));
      assert.equal(pings(lines("former", "10.0.0.2/32 OLD-KEY")), once);
    });

    it("does not ping the former address of a host that answers at its new one", () => {
      const script = `TOKEN=mine
timeout() { shift; "$@"; }
ping() { case $* in *.9) : ;; *) echo "asks $*"; false ;; esac; }
wg() { [ "$1" != set ] || echo "wg $*"; printf 'OLD-KEY\\t10.0.0.2/32\\nNEW-KEY\\t${NEW}\\n'; }
steady=899; follow_moves; cat "$RUN/settled"`;
      const left = "home wg0 10.0.0.2/32 OLD-KEY NEW-KEY";
      const rotation = `${left}\n${HOME}\n${LINE} OLDER-KEY\n`;
      const files = { "run/watcher": "mine\n", "run/rotation": rotation };
      const run = runFunctions(shell, `lock() { :; }; unlock() { :; }\n${script}`, files);
      assert.equal(run.stdout, rotation, run.stderr);
    });

    it("stops once all have answered for longer than an undo takes", () => {
      const script = `TOKEN=mine
timeout() { shift; "$@"; }
ping() { echo look >>"$FOLDER/looks"; }
wg() { printf 'KEY\\t${NEW}\\n'; }
steady=890 n=0; while [ $n -lt 20 ]; do follow_moves; n=$((n + 1)); done
grep -c look "$FOLDER/looks"; cat "$RUN/settled"`;
      const files = { "run/watcher": "mine\n", "run/rotation": `${LINE}\n` };
      const run = runFunctions(shell, `lock() { :; }; unlock() { :; }\n${script}`, files);
      assert.equal(run.stdout, `10\n${LINE}\n`, run.stderr);
    });

    it("removes the relay's own former address when all have answered for so long", () => {
      const script = `TOKEN=mine
timeout() { shift; "$@"; }
ping() { :; }
wg() { printf 'KEY\\t${NEW}\\n'; }
ip() { echo "ip $*"; return 2; }
steady=895 n=0; while [ $n -lt 9 ]; do follow_moves; n=$((n + 1)); done; cat "$RUN/settled"`;
      const own = "own wg0 10.9.0.1/24";
      const files = { "run/watcher": "mine\n", "run/rotation": `${LINE}\n${own}\n` };
      const run = runFunctions(shell, `lock() { :; }; unlock() { :; }\n${script}`, files);
      assert.equal(run.stdout, `ip address del 10.9.0.1/24 dev wg0\n${LINE}\n`, run.stderr);
    });

    it("is started again by a push that asks the relay for a host, if it was killed, and checks all hosts anew", () => {
      const script = `launch() { echo "launch $2 $3"; : >"$RUN/alive"; }
lock() { :; }; unlock() { :; }
watcher_runs() { [ -e "$RUN/alive" ]; }
status() { echo status; }
mend; mend; ls "$RUN"`;
      const files = { "run/watcher": "mine\n", "run/settled": `${LINE}\n` };
      const run = runFunctions(shell, script, files);
      assert.equal(run.stdout, "launch watch mine\nstatus\nstatus\nalive\nwatcher\n", run.stderr);
      assert.equal(runFunctions(shell, script.replace("mend; mend", "mend")).stdout, "status\n");
    });

    it("is started by such a push after a boot without systemd, unless a change is pending", () => {
      const script = `launch() { echo "launch $2 $3"; : >"$RUN/alive"; }
lock() { :; }; unlock() { :; }
watcher_runs() { [ -e "$RUN/alive" ]; }
former_port() { echo "former_port $1"; }
status() { cat "$RUN/rotation"; }
mend`;
      const files = { "state/rotation": `${LINE}\n` };
      const run = runFunctions(shell, script, files);
      assert.equal(run.stdout, `former_port add\nlaunch watch boot\n${LINE}\n`, run.stderr);
      const during = { ...files, "run/pending": "token\n", "run/rotation": "of the change\n" };
      assert.equal(runFunctions(shell, script, during).stdout, "of the change\n");
    });

    it("waits longer for the answers of a host that has never answered", () => {
      const script = `TOKEN=mine
timeout() { echo "$1" >>"$FOLDER/limits"; false; }
wg() { [ "$1" = set ] || printf 'OLD-KEY\\t${NEW}\\nNEW-KEY\\t(none)\\n'; }
n=0; while [ $n -lt 25 ]; do follow_moves; n=$((n + 1)); done
sort -u "$FOLDER/limits"`;
      const files = { "run/watcher": "mine\n", "run/rotation": `${HOME}\n` };
      const run = runFunctions(shell, script, files);
      assert.equal(run.stdout, "0.5\n1\n2\n", run.stderr);
    });

    it("ends the former port once no peer's last packet came to it", () => {
      const endpoints = "A\\t192.0.2.7:4001\\nB\\t[2001:db8::7]:4002\\nC\\t(none)\\n";
      const settled = (former: string, keys: string) =>
        runFunctions(
          shell,
          `nft() { case "$*" in *former4) echo "elements = { ${former}, 192.0.2.9 . 9 }" ;; esac; }
wg() { printf '${endpoints}'; }
follow_port wg0 51820 51999 ${keys} && echo yes || echo no`,
        ).stdout;
      assert.equal(settled("192.0.2.7 . 4001", "A"), "no\n");
      assert.equal(settled("192.0.2.7 . 40011", "A"), "yes\n");
      assert.equal(settled("192.0.2.7 . 40011", "A,B"), "yes\n");
      assert.equal(settled("2001:db8::7 . 4002", "A,B"), "no\n");
      assert.equal(settled("192.0.2.8 . 1", "A,C"), "no\n");
    });

    it("serves the former port by a table of its own, and removes it", () => {
      const files = { "run/rotation": "port wg0 51820 51999 A\n" };
      const script = 'nft() { echo "nft $*"; [ "$1" != -f ] || cat; }\nformer_port ';
      const rules = runFunctions(shell, `${script}add`, files).stdout;
      assert.match(
        rules,
        /^nft -f -\nadd table inet wireguard-mesh-wg0\/former\ndelete table inet wire/,
      );
      for (const [ip, at] of [
        ["ip", 4],
        ["ip6", 6],
      ] as const) {
        const to = `${ip} daddr . udp dport`;
        assert.ok(rules.includes(`meta nfproto ipv${at} udp dport 51820 udp dport set 51999\n`));
        assert.ok(rules.includes(`${to} != @relays${at} ${to} @former${at} udp sport set 51820\n`));
      }
      assert.doesNotMatch(rules, /TABLE|OLD|NEW|IP|V/);
      const gone = runFunctions(shell, `${script}delete`, files).stdout;
      assert.equal(gone, "nft delete table inet wireguard-mesh-wg0/former\n");
      assert.equal(runFunctions(shell, `${script}delete`).stdout, "");
    });

    it("answers from the former port only hosts that have not sent to the new one yet", () => {
      const files = { "run/rotation": "port wg0 51820 51999 A,B,C D\n" };
      const script = `nft() { cat; }
wg() { printf 'A\\t192.0.2.7:4001\\nB\\t[2001:db8::7]:4002\\nC\\t(none)\\nD\\t192.0.2.9:9\\n'; }
former_port `;
      const elements = (how: string) =>
        runFunctions(shell, `${script}${how}`, files)
          .stdout.split("\n")
          .filter((line) => line.startsWith("add element"));
      // Another relay gets its answers from the new port.
      const relay = "add element inet wireguard-mesh-wg0/former relays4 { 192.0.2.9 . 9 }";
      assert.deepEqual(elements("new"), [
        relay,
        "add element inet wireguard-mesh-wg0/former former4 { 192.0.2.7 . 4001 }",
        "add element inet wireguard-mesh-wg0/former former6 { 2001:db8::7 . 4002 }",
      ]);
      assert.deepEqual(elements("add"), [relay]);
    });

    it("keeps the table, which records who has moved, while the ports are the same", () => {
      const calls = (former: string, next: string) =>
        runFunctions(
          shell,
          'CHANGE=$FOLDER/change\nlaunch() { :; }\nwatcher_runs() { :; }\nformer_port() { echo "$1"; }\nwatch_piece 1',
          { "run/rotation": former, "change/1": next },
        ).stdout;
      const port = "port wg0 51820 51999 A\n";
      assert.equal(calls(port, "port wg0 51820 51999 A,B\n"), "");
      assert.equal(calls(port, "port wg0 51820 51999 A,B C\n"), "");
      assert.equal(calls(port, "port wg0 51999 51820 A\n"), "delete\nnew\n");
      assert.equal(calls(port, "former wg0 10.0.0.2/32 10.0.0.1/32\n"), "delete\nnew\n");
      assert.equal(calls("", port), "delete\nnew\n");
    });

    it("serves it by a table that nft accepts, whatever the interface's name", () => {
      const files = { "run/rotation": "port a=b+c 51820 51999 A\n" };
      const script = `set_paths a=b+c; RUN=$FOLDER/run\nnft() { [ "$1" != -f ] || cat; }\nformer_port add`;
      const [first = ""] = runFunctions(shell, script, files).stdout.split("\n");
      assert.equal(first, "add table inet wireguard-mesh-a/eb/pc/former");
    });

    it("serves it again after all tables were flushed, which would cut the hosts off", () => {
      const script = (listed: string) => `nft() {
  case "$1" in list) ${listed} ;; -f) cat >/dev/null; echo loaded ;; esac
}
wg() { printf 'A\\t192.0.2.7:4001\\n'; }
TOKEN=mine
follow_port wg0 51820 51999 A || echo waits`;
      const files = { "run/watcher": "mine\n", "run/rotation": "port wg0 51820 51999 A\n" };
      const look = (listed: string) => runFunctions(shell, script(listed), files).stdout;
      assert.equal(look("return 1"), "loaded\nwaits\n");
      assert.equal(look("echo 'elements = { 192.0.2.7 . 4001 }'"), "waits\n");
    });

    it("does nothing after another push, or while one holds the lock", () => {
      assert.deepEqual(
        look(shell, both, { answers: true, before: "echo other >$RUN/watcher" }),
        [],
      );
      assert.deepEqual(look(shell, both, { answers: true, before: "lock() { return 1; }" }), []);
    });
  });
}

const HOME = `home wg0 ${NEW} OLD-KEY NEW-KEY`;

/**
 * Checks an address that answers through some peers only. The peers are OLD-KEY, which has another prefix too, and NEW-KEY.
 * @returns the holder of the address after each check
 */
function holders(shell: Shell, { first, by }: { first: string; by: string[] }): string[] {
  const script = `TOKEN=mine
timeout() { shift; "$@"; }
echo ${first} >"$FOLDER/holder"
holder() { cat "$FOLDER/holder"; }
ping() { [ "$(holder)" = "$by" ]; }
wg() {
  case "$1 \${5-}" in
    "set allowed-ips") echo "$4 $6" >>"$FOLDER/calls"; echo "$4" >"$FOLDER/holder" ;;
    *) printf 'OLD-KEY\\t10.0.0.1/32%s\\nNEW-KEY\\t%s\\n' "$(with OLD-KEY ' ' '')" "$(with NEW-KEY '' '(none)')" ;;
  esac
}
with() { if [ "$(holder)" = "$1" ]; then echo "$2${NEW}"; else echo "$3"; fi; }
for by in ${by.join(" ")}; do follow_moves; holder; done
cat "$FOLDER/calls" 2>/dev/null`;
  const files = { "run/watcher": "mine\n", "run/rotation": `${HOME}\n` };
  const run = runFunctions(shell, script, files);
  assert.equal(run.stderr, "");
  return run.stdout.split("\n").filter((line) => line !== "");
}

/** The calls of wg that change something. */
function look(
  shell: Shell,
  allowedIps: string,
  { answers, before = "", line = LINE }: { answers: boolean; before?: string; line?: string },
): string[] {
  const script = `TOKEN=mine
timeout() { shift; "$@"; }
ping() { [ "$*" = "-n -c 1 -W 2 10.0.0.9" ] && ${String(answers)}; }
wg() { if [ "$1" = set ]; then echo "wg $*"; else cat "$FOLDER/allowed"; fi; }
${before}
follow_moves`;
  const files = {
    "run/watcher": "mine\n",
    "run/rotation": `pair wg0 A B 10.0.0.7/32\n${line}\n`,
    allowed: `${OTHER}\n${allowedIps}\n`,
  };
  const run = runFunctions(shell, script, files);
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.split("\n").filter((line) => line !== "");
}
