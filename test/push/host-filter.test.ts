/** The host's part of the packet filter: the name of its table, checks before a change, and the order of the commit. */
import * as assert from "node:assert/strict";
import { filterTable } from "../../mesh/filter-table";
import { parseComplaint } from "../../scripts/push/conversation";
import { SHELLS, runFunctions } from "./support/host-shell";

/** An nft that logs its arguments, and rejects input with the word `broken`. */
const NFT = `nft() {
  echo "nft $*" >>"$FOLDER/log"
  for last; do :; done
  case $* in *-f*) text=$(cat "$last") ;; *) return 0 ;; esac
  case $text in *broken*) printf '/dev/stdin:3:5-9: Error: syntax error, unexpected broken\\n  broken\\n  ^^^^^^\\n' >&2 && return 1 ;; esac
}
mkdir "$CHANGE"
`;

for (const shell of SHELLS) {
  describe(`the packet filter on a host, under ${shell.name}`, () => {
    for (const name of ["wg0", "a=b+c", "x.y-z_w"]) {
      it(`has the table name of ${name} that the operator expects`, () => {
        const { stdout } = runFunctions(shell, `set_paths ${name}; echo "inet $TABLE"`);
        assert.equal(stdout, `${filterTable(name)}\n`);
      });
    }

    /** Checks a change whose pieces 1 and 2 are the tables of its steps and of its undo. */
    const check = (apply: string, undo: string) =>
      runFunctions(
        shell,
        `${NFT}
printf 'ip 3\\nnft 1\\n' >"$CHANGE/apply"; printf 'nft 2\\n' >"$CHANGE/undo"
echo '${apply}' >"$CHANGE/1"; echo '${undo}' >"$CHANGE/2"; echo broken >"$CHANGE/3"
(for part in apply undo; do for_each_step "$part" check_table; done) && echo taken
cat "$FOLDER/log"`,
      );

    it("is checked before anything is touched, and its undo with it", () => {
      const { stdout } = check("new", "former");
      assert.match(stdout, /^taken\nnft -c -f \S+\/1\nnft -c -f \S+\/2\n$/);
    });

    it("is refused with a one-line error if nft rejects it or its undo", () => {
      for (const [apply, undo] of [
        ["broken", "former"],
        ["new", "broken"],
      ] as const) {
        const { stdout, stderr } = check(apply, undo);
        assert.doesNotMatch(stdout, /taken/);
        assert.match(
          parseComplaint(stderr) ?? "",
          /^nft on this host does not take the packet filter: syntax error, unexpected broken; nothing was changed\nsee there: nft --version/,
        );
      }
    });

    it("is loaded by one nft, whose error is that of the failed step", () => {
      const load = (text: string) =>
        runFunctions(shell, `${NFT} echo '${text}' >"$CHANGE/1"; run_step apply nft 1`);
      assert.equal(load("new").status, 0);
      const { status, stderr } = load("broken");
      assert.deepEqual(
        [status, stderr],
        [1, "/dev/stdin:3:5-9: Error: syntax error, unexpected broken\n"],
      );
    });

    it("has its file in place before the live file that names it", () => {
      const script = `for name in $FILTERS "$LIVE"; do [ "$name" = "\${FILTERS% *}" ] || echo new >"$(staged "$name")"; done
mv() { command mv "$@" && echo "mv \${2##*/}"; }
place_live && ls "$FOLDER/etc"`;
      const { stdout } = runFunctions(shell, script);
      assert.equal(stdout, "mv wg0.b.nft\nmv wg0.conf\nwg0.b.nft\nwg0.conf\n");
    });

    it("is observed if its file exists, or if the operator asks for it", () => {
      const script = `nft() { :; }
look() { if may_filter; then echo yes; else echo no; fi; }
look
QUESTIONS="filter$NL" && look
QUESTIONS="filter\${NL}table$NL" && look
QUESTIONS=
for name in $FILTERS; do touch "$name"; look; rm "$name"; done`;
      assert.equal(runFunctions(shell, script).stdout, "no\nno\nyes\nyes\nyes\n");
    });

    it("is removed with the interface", () => {
      const script = `${NFT}
for name in watch_piece commit_step exists ip to_disk rmdir; do eval "$name() { :; }"; done
# Other paths of the machine that runs this test stay as they are.
DROP_IN=$FOLDER/drop-in IFACE=wgm-test KEYS_UNIT=wgm-test
for name in $FILTERS; do touch "$name" "$(staged "$name")"; done
touch "$LIVE"
tear_down
cat "$FOLDER/log"; ls -A "$FOLDER/etc"`;
      assert.equal(
        runFunctions(shell, script).stdout,
        "nft delete table inet wireguard-mesh-wg0\n",
      );
    });
  });
}
