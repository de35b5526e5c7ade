/** How long a push waits for a booting machine, and what it logs, with a fake clock. */
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

/** A BootWait with a fake clock, and its log. */
function waiting() {
  const log: string[] = [];
  let now = 5_000;
  const wait = new BootWait(
    REQUEST,
    (line) => log.push(line),
    () => now,
  );
  return { wait, log, pass: (ms: number) => (now += ms) };
}

describe("waiting for a machine to boot", () => {
  it("logs the reason at once when it changes, otherwise every 15 s", () => {
    const { wait, log, pass } = waiting();
    for (const kind of ["timed-out", "timed-out", "refused", "refused"] as const) {
      wait.retryAfter(failure(kind));
      pass(8_000);
    }
    pass(40_000);
    wait.retryAfter(failure("refused"));
    wait.retryAfter(failure("other", "ssh says: huh"));
    assert.deepEqual(log, [
      "waits for SSH on 203.0.113.60 (0 s): no answer",
      "waits for SSH on 203.0.113.60 (16 s): connection refused",
      "waits for SSH on 203.0.113.60 (72 s): connection refused",
      "waits for SSH on 203.0.113.60 (72 s): ssh says: huh",
    ]);
  });

  it("ends after ten minutes with the last cause and a remedy", () => {
    const { wait, pass } = waiting();
    pass(BOOT_MS - 1);
    assert.equal(wait.left(), 1);
    wait.retryAfter(failure("refused"));
    pass(1);
    assert.throws(
      () =>
        wait.retryAfter(
          failure("refused"),
          new Error("connection refused by 203.0.113.60 port 22"),
        ),
      (error: Error) => {
        assert.match(error.message, /^tokyo: no SSH on 203\.0\.113\.60 within 10 minutes/);
        assert.match(error.message, /\n {2}last: connection refused by 203\.0\.113\.60 port 22\n/);
        assert.match(error.message, /adminCidrs/);
        assert.match(error.message, /get-console-output .* --instance-id i-0abc\n/);
        return true;
      },
    );
  });

  for (const kind of ["other-machine", "denied", "no-root"] as const) {
    it(`waits at most a minute for ${kind}, which passes soon or never`, () => {
      const { wait, pass } = waiting();
      wait.retryAfter(failure("refused"));
      pass(300_000);
      const error = new Error("original");
      wait.retryAfter(failure(kind), error);
      pass(BOOT_GRACE_MS);
      wait.retryAfter(failure(kind), error);
      pass(1);
      assert.throws(() => wait.retryAfter(failure(kind), error), error);
    });
  }

  it("fails at once for errors that a boot does not fix", () => {
    const { wait } = waiting();
    const error = new Error("original");
    for (const kind of ["unknown-name", "host-key", "no-forwarding"] as const) {
      assert.throws(() => wait.retryAfter(failure(kind), error), error);
    }
  });
});
