/** How the watcher on a host follows handshakes during a key rotation, in every shell and awk of this machine. */
import * as assert from "node:assert/strict";
import { SHELLS, runFunctions, type Shell } from "./support/host-shell";

const PREFIXES = "10.0.0.2/32,192.168.1.0/24";
const PAIR = `pair wg0 OLD NEW ${PREFIXES}`;
const SECOND = "second wg0-next wg0";

/**
 * Stand-ins. `owner_…` is the key with the prefixes on an interface; its peers are those with a line in the last output of
 * `wg show all latest-handshakes`.
 */
const TOOLS = `
owner_of() { if [ "$1" = wg0 ]; then echo "$owner_first"; else echo "$owner_second"; fi; }
wg() {
  case $1 in
    show)
      printf '%s' "$seen" | while read -r name key time; do
        [ "$name" = "$2" ] || continue
        if [ "$key" = "$(owner_of "$2")" ]; then has='${PREFIXES.replace(",", " ")}'; else has='(none)'; fi
        printf '%s\\t%s\\n' "$key" "$has"
      done
      ;;
    set)
      echo "$*"
      if [ "$2" = wg0 ]; then owner_first=$4; else owner_second=$4; fi
      ;;
  esac
}
ip() {
  case "$*" in
    "-4 -o address show dev wg0 scope global") echo "5: wg0    inet 10.0.0.1/24 scope global wg0" ;;
    *address*) ;;
    "-4 route show"*) printf '%s' "$table" ;;
    *"route show"*) ;;
    *)
      echo "ip $*"
      case $4 in *:*) shown=\${4%/128} ;; *) shown=\${4%/32} ;; esac
      table=$(printf '%s\\n' "$table" | grep -v "^$shown dev ")$NL
      [ "$3" = del ] || table="$table$shown dev $6 scope link$NL"
      ;;
  esac
}
table=$NL
owner_first=OLD owner_second=OLD order='' last=$NL
look() {
  seen=$NL$(printf '%s\\n' "$@" | tr ' ' "$TAB")$NL
  follow
  last=$seen
  echo "-- $(owner_of wg0)"
}
`;

for (const shell of SHELLS) {
  describe(`the watcher of keys, under ${shell.name}`, () => {
    /** For each check: the commands, then the key with the prefixes on the first interface. */
    const looks = (rotation: string[], ...seen: string[][]): string[][] =>
      follow(shell, rotation, seen);

    describe("the prefixes of a pair", () => {
      /** The key with the prefixes after each check. */
      const owners = (...seen: string[][]): (string | undefined)[] =>
        looks([PAIR], ...seen).map((lines) => lines.at(-1));

      it("stay with the current key until the next key has a handshake", () => {
        const before = ["wg0 OLD 100", "wg0 NEW 0"];
        assert.deepEqual(owners(before, before, ["wg0 OLD 100", "wg0 NEW 150"]), [
          "OLD",
          "OLD",
          "NEW",
        ]);
      });

      it("go back to the current key when that has a newer handshake", () => {
        assert.deepEqual(owners(["wg0 OLD 100", "wg0 NEW 150"], ["wg0 OLD 160", "wg0 NEW 150"]), [
          "NEW",
          "OLD",
        ]);
      });

      it("belong to the next key when both had a handshake in the same second", () => {
        for (const [current, next] of [
          ["A", "B"],
          ["B", "A"],
        ] as const) {
          const rotation = [`pair wg0 ${current} ${next} ${PREFIXES}`];
          const both = [`wg0 ${current} 100`, `wg0 ${next} 100`];
          for (const order of [both, [...both].reverse()]) {
            assert.equal(looks(rotation, order)[0]?.at(-1), next);
            const former = [`wg0 ${current} 100`, `wg0 ${next} 0`];
            assert.equal(looks(rotation, former, order)[1]?.at(-1), next);
          }
        }
      });

      it("follow a new handshake even if the clock was set back", () => {
        assert.deepEqual(owners(["wg0 OLD 9000", "wg0 NEW 0"], ["wg0 OLD 9000", "wg0 NEW 50"]), [
          "OLD",
          "NEW",
        ]);
      });

      it("stay where they are when an interface restarts", () => {
        const restarted = ["wg0 OLD 0", "wg0 NEW 0"];
        assert.deepEqual(owners(["wg0 OLD 100", "wg0 NEW 150"], restarted), ["NEW", "NEW"]);
      });

      it("come back to their key when an interface restarts with its file", () => {
        const script = "owner_first=OLD\nlook 'wg0 OLD 0' 'wg0 NEW 0'";
        const [, again] = follow(shell, [PAIR], [["wg0 OLD 100", "wg0 NEW 150"]], script);
        assert.deepEqual(again, [`set wg0 peer NEW allowed-ips ${PREFIXES}`, "NEW"]);
      });

      it("are moved once, all of them, and never to and fro", () => {
        const shaken = ["wg0 OLD 100", "wg0 NEW 150"];
        const [first, ...others] = looks([PAIR], shaken, shaken, ["wg0 OLD 100", "wg0 NEW 270"]);
        assert.deepEqual(first, [`set wg0 peer NEW allowed-ips ${PREFIXES}`, "NEW"]);
        assert.deepEqual(others, [["NEW"], ["NEW"]]);
      });

      it("are moved if the key has only some of them", () => {
        const rotation = [`pair wg0 OLD NEW ${PREFIXES},10.9.0.0/16`];
        assert.deepEqual(looks(rotation, ["wg0 OLD 100", "wg0 NEW 0"]), [
          [`set wg0 peer OLD allowed-ips ${PREFIXES},10.9.0.0/16`, "OLD"],
        ]);
      });

      it("do not bring back the peer of a removed key", () => {
        const [, after] = looks([PAIR], ["wg0 OLD 100", "wg0 NEW 150"], ["wg0 OLD 100"]);
        assert.deepEqual(after, ["NEW"]);
      });

      it("are independent of the same keys on another interface", () => {
        assert.deepEqual(looks([PAIR], ["wg7 NEW 200", "wg0 OLD 100", "wg0 NEW 0"]), [["OLD"]]);
      });

      it("are decided on each of two interfaces separately", () => {
        const rotation = [PAIR, PAIR.replace("wg0", "wg0-next"), SECOND];
        const seen = ["wg0 OLD 100", "wg0 NEW 0", "wg0-next OLD 0", "wg0-next NEW 90"];
        assert.deepEqual(looks(rotation, seen), [
          [`set wg0-next peer NEW allowed-ips ${PREFIXES}`, "OLD"],
        ]);
      });
    });

    describe("the routes to a peer", () => {
      const ROTATION = ["route K 10.0.0.2/32,fd5c::2/128", SECOND];
      const toSecond = [
        "ip -4 route replace 10.0.0.2/32 dev wg0-next src 10.0.0.1 table 5182",
        "ip -6 route replace fd5c::2/128 dev wg0-next table 5182",
      ];
      const toFirst = [
        "ip -4 route del 10.0.0.2/32 dev wg0-next table 5182",
        "ip -6 route del fd5c::2/128 dev wg0-next table 5182",
      ];
      const routes = (rotation: string[], ...seen: string[][]): string[][] =>
        looks(rotation, ...seen).map((lines) => lines.slice(0, -1));

      it("lead to the interface with the latest handshake, and back", () => {
        assert.deepEqual(
          routes(
            ROTATION,
            ["wg0 K 0", "wg0-next K 0"],
            ["wg0 K 100", "wg0-next K 0"],
            ["wg0 K 100", "wg0-next K 101"],
            ["wg0 K 130", "wg0-next K 101"],
          ),
          [[], [], toSecond, toFirst],
        );
      });

      it("follow a new handshake even if the clock was set back", () => {
        const seen = [
          ["wg0 K 9000", "wg0-next K 0"],
          ["wg0 K 9000", "wg0-next K 50"],
        ];
        assert.deepEqual(routes(ROTATION, ...seen), [[], toSecond]);
      });

      it("are the same for both keys of a pair", () => {
        const rotation = ["route OLD:NEW 10.0.0.2/32", SECOND];
        const seen = ["wg0 OLD 100", "wg0 NEW 0", "wg0-next OLD 0", "wg0-next NEW 120"];
        assert.deepEqual(routes(rotation, seen), [toSecond.slice(0, 1)]);
        const again = ["wg0 OLD 130", ...seen.slice(1)];
        assert.deepEqual(routes(rotation, seen, again)[1], toFirst.slice(0, 1));
      });

      it("are independent of the same key on another interface", () => {
        const seen = ["wg0 K 0", "wg0-next K 100", "wg7 K 200"];
        assert.deepEqual(routes(ROTATION, seen), [toSecond]);
      });
    });

    it("ends when another one takes its place", () => {
      const files = { "run/watcher": "other\n", "run/rotation": `${PAIR}\n` };
      const run = runFunctions(shell, "TOKEN=mine\nwatch", files);
      assert.deepEqual([run.status, run.stdout], [0, ""], run.stderr);
    });

    it("has begun when its step ends, however slowly it starts", () => {
      const script = `launch() { { sleep 0.5; sh -c 'echo $$ >"$RUN/watcher-pid"; sleep 3; : watch'; } >/dev/null 2>&1 & }
export RUN
former_port() { :; }
watch_piece 1
watcher_runs && echo runs`;
      // Of a former one that has ended.
      const files = { "run/watcher-pid": "1\n", "run/change/1": `${PAIR}\n` };
      const run = runFunctions(shell, script, files);
      assert.deepEqual([run.status, run.stdout], [0, "runs\n"], run.stderr);
    });
  });
}

function follow(shell: Shell, rotation: string[], seen: string[][], then = ""): string[][] {
  const calls = seen.map((lines) => `look ${lines.map((line) => `'${line}'`).join(" ")}`);
  const files = { "run/rotation": rotation.map((line) => `${line}\n`).join("") };
  const { stdout, stderr } = runFunctions(shell, [TOOLS, ...calls, then].join("\n"), files);
  assert.equal(stderr, "");
  const looks: string[][] = [];
  let current: string[] = [];
  for (const line of stdout.trimEnd().split("\n")) {
    const [, owner] = /^-- (.*)$/.exec(line) ?? [];
    current.push(owner ?? line);
    if (owner !== undefined) {
      looks.push(current);
      current = [];
    }
  }
  return looks;
}
