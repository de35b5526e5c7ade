/** How long a push waits for a machine that boots, for what, and what it says meanwhile: on a clock of its own. */
import * as assert from "node:assert/strict";
import type { PushRequest } from "../../mesh/push-request";
import { BootWait } from "../../scripts/push/boot-wait";
import { BOOT_GRACE_MS, BOOT_MS } from "../../scripts/push/limits";
import type { Failure, FailureKind } from "../../scripts/push/ssh-failure";

const hop = { user: "admin", address: "203.0.113.60", port: 22, hostKeys: [], authority: null };
const REQUEST: PushRequest = {
  version: 1,
  node: "tokyo",
  targets: [{ kind: "ssh", hop, via: [] }],
  sshPrivateKey: null,
  owner: "wireguard-mesh/dev",
  machine: "i-0abc",
  interface: "wg0",
  config: "",
  forwarding: { ipv4: true, ipv6: false },
  probes: [],
  identity: null,
  rotation: null,
};

function failure(kind: FailureKind, cause: string = kind): Failure {
  return { kind, cause, remedy: "" };
}

/** A wait whose clock the test moves, and what it says. */
function waiting() {
  const said: string[] = [];
  let now = 5_000;
  const wait = new BootWait(
    REQUEST,
    (line) => said.push(line),
    () => now,
  );
  return { wait, said, pass: (ms: number) => (now += ms) };
}

describe("waiting for a machine to boot", () => {
  it("says for what, at once when that changes, and else every 15 s", () => {
    const { wait, said, pass } = waiting();
    for (const kind of ["timed-out", "timed-out", "refused", "refused"] as const) {
      wait.over(failure(kind));
      pass(8_000);
    }
    pass(40_000);
    wait.over(failure("refused"));
    wait.over(failure("other", "ssh says: huh"));
    assert.deepEqual(said, [
      "waits for SSH on 203.0.113.60 (0 s): no answer",
      "waits for SSH on 203.0.113.60 (16 s): connection refused",
      "waits for SSH on 203.0.113.60 (72 s): connection refused",
      "waits for SSH on 203.0.113.60 (72 s): ssh says: huh",
    ]);
  });

  it("ends after ten minutes, with the last cause, and says where to look", () => {
    const { wait, pass } = waiting();
    pass(BOOT_MS - 1);
    assert.equal(wait.left(), 1);
    wait.over(failure("refused"));
    pass(1);
    assert.throws(
      () => wait.over(failure("refused"), new Error("connection refused by 203.0.113.60 port 22")),
      (problem: Error) => {
        assert.match(problem.message, /^tokyo: no SSH on 203\.0\.113\.60 within 10 minutes/);
        assert.match(
          problem.message,
          /\n {2}last: connection refused by 203\.0\.113\.60 port 22\n/,
        );
        assert.match(problem.message, /adminCidrs/);
        assert.match(problem.message, /get-console-output .* --instance-id i-0abc\n/);
        return true;
      },
    );
  });

  for (const kind of ["other-machine", "denied", "no-root"] as const) {
    it(`gives what passes in moments or never a minute and no more: ${kind}`, () => {
      const { wait, pass } = waiting();
      wait.over(failure("refused"));
      pass(300_000);
      const problem = new Error("as it was");
      wait.over(failure(kind), problem);
      pass(BOOT_GRACE_MS);
      wait.over(failure(kind), problem);
      pass(1);
      assert.throws(() => wait.over(failure(kind), problem), problem);
    });
  }

  it("is of no use for what no boot changes", () => {
    const { wait } = waiting();
    const problem = new Error("as it was");
    for (const kind of ["unknown-name", "host-key", "no-forwarding"] as const) {
      assert.throws(() => wait.over(failure(kind), problem), problem);
    }
  });
});
