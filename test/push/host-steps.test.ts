/** How the host's program stages, applies and commits a change, with stand-ins for ip and wg. */
import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseComplaint } from "../../scripts/push/conversation";
import { SHELLS, runFunctions, type Shell } from "./support/host-shell";

const CHANGE = `@ now
@ apply
 wg wg0 1
@ undo
 wg wg0 2
@ commit
 place 3 600 LIVE
 place 4 600 STATE/confirmed
@ 1
 [Peer]
 PublicKey = A
@ 2
 [Peer]
 PublicKey = A
 PresharedKey = (now) wg0 A
@ 3
 [Interface]
 PrivateKey = (on this host) OWN

 # relay (next key)
 [Peer]
 PublicKey = B
@ 4
 digest D
`;

/** A wg with one peer; the public key of a private key is its first letters. */
const WG = `
wg() {
  case "$*" in
    "show all private-key") printf 'wg0\\tRUNNING\\n' ;;
    "show all preshared-keys") printf 'wg0\\tA\\tSHARED\\n' ;;
    pubkey) sed 's/-.*//' ;;
  esac
}
TOKEN=t1
`;

interface Sent {
  text?: string;
  ownKeys?: string;
  then?: string;
}

/** Stages a change; `then` runs after it. */
function stage(shell: Shell, { text = CHANGE, ownKeys = "OWN-private\n", then = "" }: Sent) {
  const script = `${WG}
sed -e "s|LIVE|$LIVE|" -e "s|STATE|$STATE|" "$FOLDER/sent" >"$FOLDER/text"
{ printf 'change %s keys\\n' "$(sha256sum <"$FOLDER/text" | cut -d ' ' -f 1)"; cat "$FOLDER/text"; } >"$RUN/answer"
sed -i "$DAMAGE" "$RUN/answer"
(stage "$RUN/answer") || exit 1
${then}`;
  return (damage = "") =>
    runFunctions(shell, `DAMAGE='${damage}'\n${script}`, {
      "state/own-keys": ownKeys,
      sent: text,
    });
}

for (const shell of SHELLS) {
  describe(`a change on a host, under ${shell.name}`, () => {
    it("is staged beside the live files, with the keys that only the host has", () => {
      const then = `cat "$CHANGE/apply" "$CHANGE/1" "$CHANGE/2" "$FOLDER/etc/.wg0.conf.wireguard-mesh"; ls "$LIVE" "$CHANGE/keys"`;
      const { stdout, stderr } = stage(shell, { then })();
      assert.deepEqual(stdout.trimEnd().split("\n"), [
        "wg wg0 1",
        ...["[Peer]", "PublicKey = A"],
        ...["[Peer]", "PublicKey = A", "PresharedKey = SHARED"],
        ...["[Interface]", "PrivateKey = OWN-private", ""],
        ...["# relay (next key)", "[Peer]", "PublicKey = B"],
      ]);
      assert.match(stderr, /wg0\.conf/, "the live file is not there yet");
      assert.match(stderr, /keys/, "no list of keys is left");
    });

    it("names itself as pending, and adds the digest of the live file to the record", () => {
      const then = `cat "$RUN/pending" "$LOCK" "$FOLDER/state/.confirmed.wireguard-mesh"`;
      const { stdout } = stage(shell, { then })();
      const live =
        "[Interface]\nPrivateKey = OWN-private\n\n# relay (next key)\n[Peer]\nPublicKey = B\n";
      const digest = createHash("sha256").update(live).digest("hex");
      assert.deepEqual(stdout, `t1\nt1\ndigest D\nfile ${digest}\n`);
    });

    for (const [what, damage] of [
      ["without its end", "$d"],
      ["with another letter", "s/PublicKey = B/PublicKey = C/"],
      ["with nothing but its first line", "2,$d"],
    ] as const) {
      it(`is refused if it arrives ${what}`, () => {
        const { status, stdout, stderr } = stage(shell, { then: "echo staged" })(damage);
        assert.deepEqual([status, stdout], [1, ""]);
        assert.match(parseComplaint(stderr) ?? "", /^the change was damaged on its way/);
      });
    }

    it("is refused if a private key that was made there is lost", () => {
      for (const ownKeys of ["", "OTHER-private\n"]) {
        const { status, stderr } = stage(shell, { ownKeys })();
        assert.equal(status, 1);
        assert.match(parseComplaint(stderr) ?? "", /^a private key that was made on this host is/);
      }
      const text = "@ commit\n place 1 600 LIVE\n@ 1\n PrivateKey = (on this host) OWN\n";
      const noKeys = runFunctions(
        shell,
        `wg() { :; }\nmkdir "$CHANGE"\ncp "$FOLDER/sent" "$CHANGE/1"\n(fill_keys)\necho $?`,
        { sent: text },
      );
      assert.equal(noKeys.stdout, "1\n", "no key at all");
    });

    it("is not begun if it could not be staged, also if its files cannot be removed", () => {
      const script = `${WG}lock() { :; }
overtaken() { return 1; }
observe() { :; }
settle() { :; }
stage() { echo 'error: no room' >&2; exit 1; }
drop_staged() { return 1; }
launch() { echo launched; }
push -`;
      const { status, stdout } = runFunctions(
        shell,
        script.replace("push -", "echo change | push -"),
      );
      assert.deepEqual([status, stdout], [1, ""]);
    });

    it("renames the live file first when it is committed, and deletes its record", () => {
      const then = `to_disk() { :; }
mv() { command mv "$@" && echo "mv \${2##*/}" >>"$FOLDER/log"; }
commit
cat "$FOLDER/log"
ls -A "$FOLDER/etc" "$STATE" "$RUN"`;
      const { stdout } = stage(shell, { then })();
      const [said, ...moves] = stdout.split("\n");
      assert.deepEqual(
        [said, ...moves.slice(0, 3)],
        ["committed", "mv commit", "mv wg0.conf", "mv confirmed"],
      );
      const others = moves.slice(3);
      for (const left of ["pending", "change", "commit", "answer", ".commit.new"]) {
        assert.ok(!others.includes(left), left);
      }
    });
  });

  describe(`a step on a host, under ${shell.name}`, () => {
    /** Runs a step with an ip that fails with these lines; prints its exit code and the lines that are left. */
    const ip = (how: "apply" | "undo", ...errors: string[]) => {
      const lines = errors.map((error) => `echo "${error}" >&2\n`);
      const script = `ip() {
echo "$*" >"$FOLDER/log"
${lines.join("")}[ ${errors.length} = 0 ]
}
ip_batch ${how} "$FOLDER/lines" ''
echo "code $?"
cat "$FOLDER/log"`;
      const { stdout, stderr } = runFunctions(shell, script);
      return { code: /code (\d)/.exec(stdout)?.[1], stdout, stderr };
    };

    it("for ip fails with the first line that fails", () => {
      const { code, stdout } = ip("apply", "RTNETLINK answers: File exists");
      assert.equal(code, "1");
      assert.doesNotMatch(stdout, /-force/);
      assert.equal(ip("apply").code, "0");
    });

    it("for ip ignores in an undo only what is already as it should be", () => {
      for (const error of [
        "RTNETLINK answers: File exists",
        "RTNETLINK answers: No such process",
        "RTNETLINK answers: No such file or directory",
        "RTNETLINK answers: Cannot assign requested address",
        "Error: ipv4: Address already assigned.",
        "Error: ipv6: address not found.",
        'Cannot find device \\"wg0\\"',
      ]) {
        const { code, stderr } = ip("undo", error, "Command failed -:1");
        assert.deepEqual([code, stderr], ["0", ""], error);
      }
      const { code, stderr } = ip("undo", "RTNETLINK answers: File exists", "Network is down");
      assert.deepEqual([code, stderr], ["1", "Network is down\n"]);
      assert.equal(ip("undo").code, "0");
    });

    it("that waits for a handshake takes only one at the right endpoint", () => {
      const shake = (endpoint: string, ...dump: string[]) =>
        runFunctions(
          shell,
          `pause() { :; }
wg() { printf '%s\\n' ${dump.map((line) => `"${line}"`).join(" ")} | tr ' ' "$TAB"; }
wait_for_handshake wg0 1 K ${endpoint}`,
        ).status;
      const at = "203.0.113.1:51820";
      assert.equal(shake("-", `K none ${at} 10.0.0.2/32 101 1 1 off`), 0);
      assert.equal(shake(at, `K none ${at} 10.0.0.2/32 101 1 1 off`), 0);
      assert.equal(shake(at, `K none ${at} 10.0.0.2/32 0 1 1 off`), 1, "none");
      assert.equal(shake(at, `K none 198.51.100.1:1 10.0.0.2/32 101 1 1 off`), 1, "elsewhere");
      assert.equal(shake(at, `L none ${at} 10.0.0.2/32 101 1 1 off`), 1, "another peer");
    });

    it("for wg waits for a port that an interface has just left, and for nothing else", () => {
      const wg = (tries: number, error: string) => {
        const script = `exists() { :; }
pause() { echo "$1"; }
wg() {
  echo x >>"$FOLDER/tries"
  [ "$(grep -c x "$FOLDER/tries")" -gt ${tries} ] || { echo "${error}" >&2 && return 1; }
}
run_step apply wg wg0 1`;
        const { status, stdout, stderr } = runFunctions(shell, script);
        return { status, pauses: stdout.split("\n").length - 1, stderr };
      };
      const busy = "Unable to modify interface: Address already in use";
      assert.deepEqual(wg(0, busy), { status: 0, pauses: 0, stderr: "" });
      assert.deepEqual(wg(3, busy), { status: 0, pauses: 3, stderr: "" });
      const { status, pauses, stderr } = wg(1000, busy);
      assert.deepEqual([status, stderr], [1, `${busy}\n`]);
      assert.ok(pauses >= 10, `${pauses} pauses`);
      assert.deepEqual(wg(1, "No such device"), {
        status: 1,
        pauses: 0,
        stderr: "No such device\n",
      });
    });

    it("that is unknown fails", () => {
      assert.equal(runFunctions(shell, "run_step apply reboot now").status, 1);
    });
  });

  describe(`the program by hand, under ${shell.name}`, () => {
    it("refuses a verb that only a push may use", () => {
      for (const verb of ["push", "confirm"]) {
        const script = `lock() { :; }
observe() { :; }
tear_down() { echo torn down; }
pause() { :; }
id() { echo 0; }
set_paths() { :; }
touch "$STATE/owner"
main ${verb} wg0 </dev/null`;
        assert.doesNotMatch(runFunctions(shell, script).stdout, /torn down/, verb);
      }
    });
  });
}
