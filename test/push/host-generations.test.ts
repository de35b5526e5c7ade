/** The states that a host keeps for a rollback, also with a full disk or a failing clean-up. */
import * as assert from "node:assert/strict";
import { SHELLS, runFunctions } from "./support/host-shell";

const KEPT = `kept_files() { echo "$LIVE $STATE/confirmed"; }
pause() { :; }
without_lock() { echo "$*"; }
`;

const files = {
  "etc/wg0.conf": "PrivateKey = A\nMTU = 1300\n",
  "state/confirmed": "serial = 7\ndigest = D7\n",
  "state/owner": "1\nnas\n",
};

/** The state of push 6. */
const FORMER = `mkdir "$STATE/generations"
printf '%s\\n' "$LIVE:PrivateKey = A" "$STATE/confirmed:serial = 6" >"$STATE/generations/6"
`;

const live = `cat "$LIVE"; ls -A "$STATE" "$STATE/generations" "$FOLDER/etc"`;

for (const shell of SHELLS) {
  describe(`a host that keeps its states, under ${shell.name}`, () => {
    const run = (script: string) => runFunctions(shell, `${KEPT}${script}`, files).stdout;
    const keep = `mkdir "$STATE/generations"; keep_generation; echo "code $?"`;

    it("keeps its files by the number of the push", () => {
      const kept = run(`${keep}; sed "s|$FOLDER||" "$STATE/generations/7"`).split("\n");
      assert.deepEqual(kept.slice(0, 3), [
        "code 0",
        "/etc/wg0.conf:PrivateKey = A",
        "/etc/wg0.conf:MTU = 1300",
      ]);
    });

    it("keeps none in part, on a full disk", () => {
      const full = `copy_files() { echo part >"$1"; return 2; }`;
      assert.equal(run(`${full}; ${keep}; ls -A "$STATE/generations"`), "code 1\n");
    });

    it("keeps none without a record of the push", () => {
      assert.equal(run(`rm "$STATE/confirmed"; ${keep}; ls -A "$STATE/generations"`), "code 1\n");
    });

    it("makes the files of a former state the live ones", () => {
      const others =
        "write_hosts() { :; }; serve_names() { :; }; end_tasks() { :; }; to_disk() { :; }";
      const taken = `${FORMER}${others}; take_files "$STATE/generations/6" && cat "$LIVE" "$STATE/confirmed"`;
      assert.equal(run(taken), "PrivateKey = A\nserial = 6\n");
    });

    it("touches nothing in a rollback for which there is no room", () => {
      // Writing there fails for lack of space.
      const full = `ln -s /dev/full "$RUN/piece"`;
      const tried = `${FORMER}${full}; take_files "$STATE/generations/6" || echo failed; ${live}`;
      const [said, ...rest] = run(tried).split("\n");
      assert.equal(said, "failed");
      assert.deepEqual(rest.slice(0, 2), ["PrivateKey = A", "MTU = 1300"]);
      assert.ok(!rest.some((name) => name.endsWith(".wireguard-mesh")), rest.join("\n"));
    });

    it("never removes the interface instead of a rollback", () => {
      const parts = `id() { echo 0; }; lock() { :; }; settle() { return 1; }
tear_down() { echo removed; }; roll_back() { echo "back to $1"; }; TOKEN=6`;
      assert.equal(run(`${parts}; by_hand rollback`), "back to 6\n");
    });
  });
}
