/** The tasks of a host between two pushes, in every shell and awk of this machine, with stand-ins for wg, date and systemd. */
import * as assert from "node:assert/strict";
import { SHELLS, runFunctions, type Shell } from "./support/host-shell";

const NOW = 1_800_000_000;

interface Setting {
  tasks: string[];
  /** Peers as in `wg show all dump`: INTERFACE KEY ENDPOINT SECONDS-SINCE-HANDSHAKE. */
  peers?: string[];
  answers?: string[];
  pending?: boolean;
}

/** The calls of `wg set` that `script` makes. */
function setsOf(
  shell: Shell,
  { tasks, peers = [], answers = [], pending = false }: Setting,
  script = "tick",
): string[] {
  const dump = peers.map((peer) => {
    const [name = "", key = "", endpoint = "", ago = ""] = peer.split(" ");
    return [name, key, "PSK", endpoint, "10.0.0.2/32,10.1.0.0/16", NOW - Number(ago), 1, 2, 25];
  });
  const lines = [["wg0", "PRIVATE", "PUBLIC", "51820", "off"], ...dump].map((it) => it.join("\t"));
  const stand = `
date() { echo ${NOW}; }
exists() { [ "$1" = wg0 ] || [ "$1" = wg0-next ]; }
lock() { :; }
observe_names() { printf '%s\\n' "$QUESTIONS" >"$FOLDER/questions"; cat "$FOLDER/answers"; }
wg() { if [ "$1" = show ]; then cat "$FOLDER/dump"; else echo "$*" >>"$FOLDER/sets"; fi; }
${pending ? 'touch "$RUN/pending"' : ""}
(${script})
[ ! -f "$FOLDER/sets" ] || cat "$FOLDER/sets"
[ ! -f "$FOLDER/questions" ] || tr "$TAB" ' ' <"$FOLDER/questions"`;
  const { stdout, stderr } = runFunctions(shell, stand, {
    "state/tasks": tasks.map((line) => `${line}\n`).join(""),
    dump: lines.map((line) => `${line}\n`).join(""),
    answers: answers.map((line) => `${line}\n`).join(""),
  });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

const FOLLOW = ["every 30", "silence 135", "resolve K relay.example.org 51820"];

for (const shell of SHELLS) {
  describe(`the tasks of a host, under ${shell.name}`, () => {
    it("remove expired peers from both interfaces, and no others", () => {
      const tasks = [
        "every 30",
        `expire A ${NOW}`,
        `expire B ${NOW - 5}`,
        `expire C ${NOW + 1}`,
        "expire D 253402300799",
      ];
      assert.deepEqual(setsOf(shell, { tasks }), [
        "set wg0 peer A remove peer B remove",
        "set wg0-next peer A remove peer B remove",
      ]);
      assert.deepEqual(setsOf(shell, { tasks, pending: true }).length, 2, "also during a change");
      assert.deepEqual(setsOf(shell, { tasks: tasks.slice(3) }), []);
    });

    it("resolve the name of a silent peer, and set the first address if its endpoint is none of them", () => {
      const follow = (endpoint: string, ago: number, answers: string[]) =>
        setsOf(shell, { tasks: FOLLOW, peers: [`wg0 K ${endpoint} ${ago}`], answers });
      const [one, two] = ["relay.example.org 203.0.113.11", "relay.example.org 203.0.113.12"];
      const asked = "name relay.example.org";
      assert.deepEqual(follow("203.0.113.10:51820", 136, [one, two]), [
        "set wg0 peer K endpoint 203.0.113.11:51820",
        asked,
      ]);
      assert.deepEqual(follow("203.0.113.12:51820", 136, [one, two]), [asked]);
      assert.deepEqual(follow("203.0.113.10:51820", 136, []), [asked], "no answer");
      assert.deepEqual(follow("203.0.113.10:51820", 135, [one]), [], "a peer that works");
      assert.deepEqual(follow("198.51.100.9:4500", 20, [one]), [], "a peer that has roamed");
      assert.equal(follow("203.0.113.10:51820", NOW, [one]).length, 2, "it never shook hands");
      assert.equal(follow("203.0.113.10:51820", -3600, [one]).length, 2, "a clock set back");
      assert.deepEqual(follow("(none)", NOW, ["relay.example.org 2001:db8::7"]), [
        "set wg0 peer K endpoint [2001:db8::7]:51820",
        asked,
      ]);
    });

    it("follow each peer of both interfaces by its own name and port, and resolve each name once", () => {
      const tasks = [...FOLLOW, "resolve L relay.example.org 51821", "resolve M m.example.org 7"];
      const peers = ["wg0 K a:1 999", "wg0-next K a:1 999", "wg0 L a:1 999", "wg0 M a:1 9"];
      const answers = ["relay.example.org 203.0.113.11"];
      const sets = setsOf(shell, { tasks, peers: [...peers, "wg1 K a:1 999"], answers });
      assert.deepEqual(sets.sort(), [
        "name relay.example.org",
        "set wg0 peer K endpoint 203.0.113.11:51820",
        "set wg0 peer L endpoint 203.0.113.11:51821",
        "set wg0-next peer K endpoint 203.0.113.11:51820",
      ]);
    });

    it("set no endpoint while a change waits for its confirmation", () => {
      const peers = ["wg0 K 203.0.113.10:51820 999"];
      const answers = ["relay.example.org 203.0.113.11"];
      assert.deepEqual(setsOf(shell, { tasks: FOLLOW, peers, answers, pending: true }), []);
    });

    it("reload the table for connections to the host's own addresses if it is gone, from the file that the config names", () => {
      const loads = (tasks: string, there: boolean, pending = false) => {
        const { stdout, stderr } = runFunctions(
          shell,
          `date() { echo ${NOW}; }
exists() { [ "$1" = wg0 ]; }
lock() { :; }
wg() { :; }
nft() { if [ "$1" = list ]; then ${there}; else echo "$*" >>"$FOLDER/loaded"; fi; }
LIVE=$FOLDER/live FILTERS="/w/wg0.a.nft /w/wg0.b.nft"
${pending ? 'touch "$RUN/pending"' : ""}
(tick)
[ ! -f "$FOLDER/loaded" ] || cat "$FOLDER/loaded"`,
          { "state/tasks": tasks, live: "PreUp = [ -s /w/wg0.b.nft ]\n" },
        );
        assert.equal(stderr, "");
        return stdout;
      };
      assert.equal(loads("every 30\nown-way\n", false), "-f /w/wg0.b.nft\n");
      assert.equal(loads("every 30\nown-way\n", true), "");
      assert.equal(loads("every 30\n", false), "");
      assert.equal(loads("every 30\nown-way\n", false, true), "", "during a change");
    });

    it("wait for the next round, or for an earlier date", () => {
      const wait = (...dates: number[]) => {
        const tasks = ["every 30", ...dates.map((date) => `expire A ${date}`)];
        return setsOf(shell, { tasks }, 'seconds_to_wait >"$FOLDER/sets"')[0];
      };
      assert.equal(wait(), "30");
      assert.equal(wait(NOW + 31, NOW - 7), "30");
      assert.equal(wait(NOW + 31, NOW + 4), "4");
    });
  });

  describe(`the rounds of a host, under ${shell.name}`, () => {
    /** The programs that `begin_tasks` starts, then those that `end_tasks` stops. */
    const rounds = (stand: string, script: string): string[] => {
      const { stdout, stderr } = runFunctions(
        shell,
        `detach() { echo "detach \${1##*/} $2 $3"; : & }
expire() { echo expire; }
has() { :; }
without_lock() { echo "$*" | sed "s|$STATE|STATE|" >&3; return "\${FAILS-0}"; }
${stand}
{ ${script}; } 3>&1`,
        { "state/tasks": "every 30\n" },
      );
      assert.equal(stderr, "");
      return stdout.split("\n").filter((line) => line !== "");
    };

    it("are a timer where systemd runs, begun once", () => {
      const started =
        "timeout -k 1 10 systemd-run --quiet --collect --unit=wireguard-mesh-tasks-wg0 --on-active=1 --on-unit-active=30 --timer-property=AccuracySec=1 --property=LogLevelMax=notice /bin/sh STATE/host.sh tick wg0";
      assert.deepEqual(rounds("with_systemd() { :; }", "begin_tasks"), ["expire", started]);
      assert.deepEqual(
        rounds("with_systemd() { :; }\nticker_runs() { :; }", "begin_tasks"),
        ["expire"],
        "it runs",
      );
    });

    it("are a loop without systemd, or where systemd does not answer", () => {
      const loop = "detach host.sh ticks wg0";
      assert.deepEqual(rounds("with_systemd() { return 1; }", "begin_tasks"), ["expire", loop]);
      const failed = rounds("with_systemd() { :; }\nFAILS=1", "begin_tasks");
      assert.equal(failed.at(-1), loop);
    });

    it("do not run without tasks", () => {
      assert.deepEqual(rounds('rm "$STATE/tasks"', "begin_tasks"), []);
    });

    it("end when the tasks are gone, by a loop of its own", () => {
      const script = `tick() { echo round; rm "$STATE/tasks"; }
sh() { echo "\${1##*/} $2"; rm "$STATE/tasks"; }
sleep() { echo "sleep $1"; }
(ticks) 2>&1
cat "$RUN/ticker" | grep -q '^[0-9]' && echo named`;
      assert.deepEqual(rounds("", script), ["named"]);
    });
  });
}
