/** How a push finds out the result of a change: broken connections, an unreachable host, a failed change. */
import * as assert from "node:assert/strict";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { applyThrough } from "../../scripts/push/apply";
import { SETTLE_MS } from "../../scripts/push/limits";
import { RefusedError } from "../../scripts/push/push-error";
import { newLink } from "../mesh/host/support/host";
import { currentKey } from "../mesh/host/support/requests";
import { FakeHost, unreachable, type Login } from "./support/fake-host";
import { NEIGHBOUR, requestWith } from "./support/model-request";

const REQUEST = requestWith({});
const TRYING_ON = "no way in through the new config yet; still trying";

interface Outcome {
  /** The message of a failed push. */
  result: PushResult["outcome"] | Error;
  messages: string[];
  verbs: string[];
  answers: (string | undefined)[];
}

async function push(host: FakeHost, logins: Login[], request: PushRequest = REQUEST) {
  const messages: string[] = [];
  host.expect(...logins);
  const result = await applyThrough(host, request, {
    onMessage: (line) => void messages.push(line),
    onInstall: () => undefined,
  }).then(
    ({ outcome }) => outcome,
    (error: unknown) => error as Error,
  );
  host.expect();
  const outcome: Outcome = {
    ...{ result, messages },
    verbs: host.sent.map(({ verb }) => verb),
    answers: host.sent.map(({ answer }) => answer.split(/[ \n]/)[0]),
  };
  return outcome;
}

function messageOf({ result }: Outcome): string {
  assert.ok(result instanceof Error, String(result));
  return result.message;
}

describe("a push whose connection breaks", function () {
  // It waits for a second between two logins that confirm.
  this.timeout(10_000);

  const asking = "the connection broke; asking the host what became of the change";
  const broken: Login = { reply: { exitCode: null, stdout: "" } };

  it("after the change was sent commits it if the host has it", async () => {
    const { result, messages, answers } = await push(new FakeHost(), [broken, {}]);
    assert.deepEqual([result, messages, answers], ["applied", [asking], ["change", "commit"]]);
  });

  it("before the host had all of it fails, and can be repeated", async () => {
    const host = new FakeHost();
    const outcome = await push(host, [{ isCut: true }, {}]);
    assert.match(messageOf(outcome), /^host: the connection broke before the host had taken the/);
    assert.match(messageOf(outcome), /npx wireguard-mesh up.*it is safe/);
    assert.equal((await push(host, [{}, {}])).result, "applied");
  });

  it("reports a change that the host has begun and undone", async () => {
    const undone: Login = {
      before: (host) => {
        host.undo("no room");
      },
    };
    const outcome = await push(new FakeHost(), [broken, undone]);
    assert.match(
      messageOf(outcome),
      /^host: the change failed on the host and was undone: no room/,
    );
  });

  it("after the commit succeeds if the host has committed", async () => {
    const { result, verbs } = await push(new FakeHost(), [{}, broken, {}]);
    assert.deepEqual([result, verbs], ["applied", ["push", "confirm", "confirm"]]);
  });

  it("before the commit arrived commits it the next time", async () => {
    const { result, answers } = await push(new FakeHost(), [{}, { isCut: true }, {}]);
    assert.deepEqual([result, answers], ["applied", ["change", "commit", "commit"]]);
  });

  it("before anything was sent is started again, once", async () => {
    const lost: Login = { exit: { exitCode: null } };
    const { result, messages } = await push(new FakeHost(), [lost, {}, {}]);
    const again = "the connection broke before the host had answered; trying once more";
    assert.deepEqual([result, messages], ["applied", [again]]);
    assert.match(messageOf(await push(new FakeHost(), [lost, lost])), /host/);
  });

  it("before the observation was complete tries again", async () => {
    const { result } = await push(new FakeHost(), [{}, { exit: { exitCode: null } }, {}]);
    assert.equal(result, "applied");
  });
});

describe("a push whose confirmation fails", function () {
  this.timeout(10_000);

  const realNow = Date.now;
  afterEach(() => {
    Date.now = realNow;
  });

  it("tries on while the host cannot be reached, and says so once", async () => {
    const gone: Login = { before: unreachable };
    const { result, messages } = await push(new FakeHost(), [{}, gone, gone, {}]);
    assert.deepEqual([result, messages], ["applied", [TRYING_ON]]);
  });

  it("gives up when the host must have undone the change", async () => {
    const gone: Login = {
      before: () => {
        Date.now = () => realNow() + SETTLE_MS;
        unreachable();
      },
    };
    const sure = messageOf(await push(new FakeHost(), [{}, gone]));
    assert.match(sure, /^host: the change was sent and there has been no way in since/);
    assert.match(sure, /taro@10\.0\.0\.2: timed out/);
    Date.now = realNow;
    const unsure = messageOf(await push(new FakeHost(), [{ isCut: true }, gone]));
    assert.match(unsure, /^host: the connection broke while the change was sent, and there is no/);
  });

  it("reports that the config cut the way in if the host has undone it for lack of an answer", async () => {
    const back: Login = {
      before: (host) => {
        host.undo();
      },
    };
    const message = messageOf(await push(new FakeHost(), [{}, { before: unreachable }, back]));
    assert.match(message, /^host: the new config cut the way in, so the host went back/);
    assert.match(message, /taro@10\.0\.0\.2: timed out/);
    assert.match(message, /The next `npx wireguard-mesh up` tries again/);
  });

  it("reports what failed on the host, also if the way in was cut meanwhile", async () => {
    const back: Login = {
      before: (host) => {
        host.undo("RTNETLINK answers: No buffer space");
      },
    };
    for (const logins of [
      [{}, back],
      [{}, { before: unreachable }, back],
    ]) {
      assert.match(
        messageOf(await push(new FakeHost(), logins)),
        /^host: the change failed on the host and was undone: RTNETLINK answers: No buffer space\n./,
      );
    }
  });

  it("does not commit a change that the host has not completed", async () => {
    const failing: Login = {
      edit: (sections) => {
        const lines = sections.get("host") ?? [];
        const failed = lines.map((line) => line.replace(/^(pending .*) applied$/, "$1 failed"));
        sections.set("host", [...failed, "result no room"]);
      },
    };
    const outcome = await push(new FakeHost(), [{}, failing]);
    assert.deepEqual(outcome.answers, ["change", ""]);
    assert.match(
      messageOf(outcome),
      /^host: the change failed on the host, and is not undone yet: no room\n/,
    );
  });

  it("reports a reboot, which ends in the former config", async () => {
    const rebooted: Login = {
      before: (host) => {
        host.undo();
      },
      edit: (sections) => sections.get("host")?.unshift("boot another"),
    };
    const outcome = await push(new FakeHost(), [{}, rebooted]);
    assert.match(
      messageOf(outcome),
      /^host: the host was rebooted before the change was confirmed/,
    );
  });

  it("does not say that nothing was changed if the login is refused", async () => {
    const failure = {
      kind: "denied" as const,
      cause: "sudo asks for a password",
      remedy: "sudo -n",
    };
    const refused: Login = {
      before: () => {
        throw new RefusedError("host: sudo asks. Nothing was changed there.", failure);
      },
    };
    const message = messageOf(await push(new FakeHost(), [{}, refused]));
    assert.match(
      message,
      /^host: the change was sent, and .* was refused: sudo asks for a password/,
    );
    assert.match(message, /undoes the change by itself within 45 s\. sudo -n$/);
    assert.doesNotMatch(message, /Nothing was changed/);
  });

  it("names the port that another program has, and the peer that does not answer", async () => {
    const host = new FakeHost();
    const wg = { privateKey: null, port: 51820, mark: null, peers: new Map() };
    host.model.links.set("wg7", newLink({ deviceType: "wireguard", type: "none", wg }));
    const taken = await push(host, [{}, {}]);
    assert.match(messageOf(taken), /its UDP port is taken there by another program\n.*listenPort$/);
    const silent = `no handshake with ${currentKey(0)} at 198.51.100.1:51820 within 8 s`;
    const back: Login = {
      before: (it) => {
        it.undo(silent);
      },
    };
    assert.match(
      messageOf(await push(new FakeHost(), [{}, back])),
      /undone: no handshake with peer0 at 198\.51\.100\.1:51820 within 8 s\nis UDP port 51820 open/,
    );
  });

  it("undoes a change that did not have its effect", async () => {
    const host = new FakeHost();
    const before = structuredClone(host.model.links);
    const changedBack: Login = {
      before: ({ model }) => {
        model.links.set("wg0", { ...newLink(model.links.get("wg0")), mtu: 1280 });
      },
    };
    const outcome = await push(host, [{}, changedBack]);
    assert.deepEqual(outcome.answers, ["change", "undo"]);
    assert.match(
      messageOf(outcome),
      /^host: the change was carried out and did not have its effect, so it was undone: [^\n]*1280/,
    );
    assert.deepEqual(host.model.links, before);
  });

  it("names peers in it by their nodes", async () => {
    const host = new FakeHost();
    await push(host, [{}, {}]);
    const keepalive: Login = {
      before: ({ model }) => {
        const peer = model.links.get("wg0")?.wg?.peers.get(currentKey(0));
        if (peer !== undefined) peer.keepalive = 7;
      },
    };
    const request = requestWith({ neighbours: [{ ...NEIGHBOUR, keepalive: 5 }] });
    const message = messageOf(await push(host, [{}, keepalive], request));
    assert.match(message, /undone: [^\n]*peer0/);
    assert.ok(!message.includes(currentKey(0)));
  });
});

describe("a push after one of the same that was killed when the host had applied it", () => {
  const killed: Login = {
    before: () => {
      throw new Error("killed");
    },
  };
  const hop = { user: "taro", address: "10.0.0.2", port: 22, hostKeys: [], authority: null };
  const own: PushRequest = { ...REQUEST, targets: [{ kind: "ssh", hop, via: [] }] };

  it("keeps it, like a confirmation, if it came through an address of its config", async () => {
    const host = new FakeHost();
    await push(host, [{}, killed], own);
    const { result, answers } = await push(host, [{}, {}], own);
    assert.deepEqual([result, answers], ["unchanged", ["change", "commit", ""]]);
  });

  it("has it undone where something differs", async () => {
    const host = new FakeHost();
    await push(host, [{}, killed], own);
    const link = host.model.links.get("wg0");
    assert.ok(link !== undefined);
    link.mtu = 1300;
    const { result, answers } = await push(host, [{}, {}, {}], own);
    assert.deepEqual([result, answers], ["applied", ["change", "undo", "change", "commit"]]);
  });

  it("starts over after the host's undo if it came through a former address, or wants another state", async () => {
    for (const next of [REQUEST, { ...requestWith({ mtu: 1380 }), targets: own.targets }]) {
      const host = new FakeHost();
      await push(host, [{}, killed], own);
      const { result, answers } = await push(host, [{}, {}], next);
      assert.deepEqual([result, answers], ["applied", ["change", "change", "commit"]]);
    }
  });
});
