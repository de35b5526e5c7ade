/** How a push handles a host's replies, missing replies and broken connections, with a model of a host. */
import * as assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { applyThrough } from "../../scripts/push/apply";
import type { HostRun } from "../../scripts/push/connect";
import { PHASE_PIPE } from "../../scripts/push/phase";
import { digestOf } from "../../scripts/push/wanted-state";
import { newLink } from "../mesh/host/support/host";
import { FakeHost, THROUGH, type Login } from "./support/fake-host";
import { NEIGHBOUR, requestWith } from "./support/model-request";

const REQUEST = requestWith({});

interface Outcome {
  result: PushResult | Error;
  messages: string[];
  installs: number;
}

/** Pushes with these logins, and asserts that there are no more. */
async function push(
  host: FakeHost,
  logins: Login[],
  request: PushRequest = REQUEST,
): Promise<Outcome> {
  const outcome: Outcome = { result: new Error("not begun"), messages: [], installs: 0 };
  host.expect(...logins);
  const onMessage = (line: string): void => void outcome.messages.push(line);
  const onInstall = (): void => void (outcome.installs += 1);
  outcome.result = await applyThrough(host, request, { onMessage, onInstall }).catch(
    (error: unknown) => error as Error,
  );
  host.expect();
  return outcome;
}

function messageOf({ result }: Outcome): string {
  assert.ok(result instanceof Error, JSON.stringify(result));
  return result.message;
}

const applied = {
  ...{ node: "host", through: THROUGH, outcome: "applied", backend: "kernel" },
  ...{ digest: digestOf(REQUEST), serial: 1 },
};
const OVERTAKEN: Login = { exit: { stdout: "overtaken\n" } };
const refuses = (words: string): Partial<HostRun> => ({
  stderr: `[#] noise\n${words}\n`,
  exitCode: 1,
});

describe("a push", function () {
  // It waits for a second between two logins that confirm.
  this.timeout(10_000);

  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
  });
  const verbs = () => host.sent.map(({ verb }) => verb);
  const answers = () => host.sent.map(({ answer }) => answer.split(/[ \n]/)[0]);

  it("begins a change in one login, and commits it in a second one with the same token", async () => {
    const { result } = await push(host, [{}, {}]);
    assert.deepEqual(result, applied);
    assert.deepEqual(
      [verbs(), answers()],
      [
        ["push", "confirm"],
        ["change", "commit"],
      ],
    );
    const [first, second] = host.sent;
    assert.match(first?.token ?? "", /^[0-9a-f]{32}$/);
    assert.equal(first?.token, second?.token);
    assert.equal(host.model.links.get("wg0")?.mtu, 1400);
  });

  it("needs one login if the host is as wanted, and sends no answer", async () => {
    await push(host, [{}, {}]);
    const { result, messages } = await push(host, [{}]);
    assert.deepEqual(result, { ...applied, outcome: "unchanged" });
    assert.deepEqual([verbs()[2], answers()[2], messages], ["push", "", []]);
  });

  it("reports its phases to the pipe of the environment, and goes on without a reader", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "wireguard-mesh-test-"));
    const pipe = path.join(folder, "phases");
    execFileSync("mkfifo", [pipe]);
    process.env[PHASE_PIPE] = pipe;
    try {
      assert.equal((await push(host, [{}, {}])).messages.length, 0);
      const fd = fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
      assert.ok(
        !((await push(host, [{}, {}], requestWith({ mtu: 1380 }))).result instanceof Error),
      );
      const text = Buffer.alloc(4096);
      const phases = text.toString("utf8", 0, fs.readSync(fd, text)).trim().split("\n");
      fs.closeSync(fd);
      assert.deepEqual(
        phases,
        ["connecting", "observing", "changing", "confirming"].map((phase) => `host ${phase}`),
      );
    } finally {
      Reflect.deleteProperty(process.env, PHASE_PIPE);
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("has a number greater than the host's and the stack's", async () => {
    await push(host, [{}, {}], { ...REQUEST, serial: 6 });
    const { result } = await push(host, [{}, {}], requestWith({ mtu: 1380 }));
    assert.equal("serial" in result ? result.serial : result, 8);
  });

  it("sends the token of the last change before its login", async () => {
    await push(host, [{}, {}]);
    await push(host, [{}]);
    assert.deepEqual([host.sent[0]?.words, host.sent[2]?.words], ["-", host.sent[0]?.token]);
  });

  it("asks for names and the packet filter once, and about preshared keys each time", async () => {
    const neighbours = [{ ...NEIGHBOUR, endpoint: "far.example.org:51820" }];
    await push(host, [{}, {}], requestWith({ neighbours }));
    const [first, second] = host.sent.map(({ questions }) => questions.split("\n"));
    assert.match(first?.[0] ?? "", /^psk\twg0\t\S{44}\t\S{44}$/);
    assert.deepEqual(first?.slice(1), ["name\tfar.example.org", "filter", ""]);
    assert.deepEqual(second, [first[0], ""]);
  });

  it("does not change a host that it must not touch", async () => {
    host.model.links.set("wg0", newLink());
    const outcome = await push(host, [{}]);
    assert.match(messageOf(outcome), /^host: there already is (an interface|a) wg0[^\n]*\n./);
    assert.deepEqual(answers(), [""]);
  });

  it("marks a renamed node's host even if the change has to wait", async () => {
    const owner = "/var/lib/wireguard-mesh/wg0/owner";
    host.model.files.set(owner, "wireguard-mesh/test\nformer\nmachine\n");
    host.model.sysctls.set("net/ipv6/conf/default/disable_ipv6", "1");
    const outcome = await push(host, [{}], requestWith({ ipv6: true }));
    assert.match(messageOf(outcome), /^host: IPv6 is switched off on this host/);
    assert.deepEqual(answers(), ["mark"]);
    assert.equal(host.model.files.get(owner), "wireguard-mesh/test\nhost\nmachine\n");
  });

  it("fails with the host's error and remedy, at any step", async () => {
    const words = refuses("error: the disk is full\nremedy: df -h /etc");
    for (const login of [{ exit: words }, { reply: { stdout: "", ...words } }]) {
      assert.equal(
        messageOf(await push(new FakeHost(), [login])),
        "host: the disk is full\ndf -h /etc",
      );
    }
  });

  it("reports a host's program that ends without output", async () => {
    const reply = { stdout: "", stderr: "sh: out of memory\n", exitCode: 2 };
    const outcome = await push(host, [{ reply }]);
    assert.match(messageOf(outcome), /ended with code 2: sh: out of memory\nThis is a bug/);
  });

  describe("to a host without WireGuard's tools", () => {
    const bare: Login = {
      edit: (sections) => {
        const lines = sections.get("host") ?? [];
        sections.set(
          "host",
          lines.map((line) => line.replace("tools wg wg-quick", "tools")),
        );
      },
    };

    it("installs them first, and says so", async () => {
      const { result, messages, installs } = await push(host, [bare, {}, {}]);
      assert.deepEqual([result, installs], [applied, 1]);
      assert.deepEqual(messages, ["installing wireguard-tools iproute2"]);
      assert.deepEqual(answers(), ["install", "change", "commit"]);
      assert.match(host.sent[0]?.answer ?? "", /apt-get.* install wireguard-tools iproute2\n$/);
    });

    it("does so once, and fails where that did not help", async () => {
      const outcome = await push(host, [bare, bare]);
      assert.match(messageOf(outcome), /^host: wg.* is missing and could not be installed\n./);
    });
  });

  it("reports tunnels without an answer, and files that could not be committed", async () => {
    host.silent.add("10.86.0.20");
    const note = "committed\nnote enable wg-quick@wg0.service: Unit not found.\n";
    const { result, messages } = await push(host, [{}, { reply: { stdout: note } }]);
    assert.deepEqual(result, applied);
    assert.deepEqual(messages, [
      "no handshake with peer0 at 198.51.100.1:51820 since the change: is it on, and is its UDP port 51820 open?",
      "after the change, enable wg-quick@wg0.service: Unit not found.",
    ]);
  });

  it("of a relay with a second interface reports no peers that dial it: they change over later", async () => {
    const dialsIn = { ...NEIGHBOUR, endpoint: null };
    for (const [second, words] of [
      [null, /^no handshake with peer0 since the change: it has to dial this host$/],
      [{ key: 23, port: 51821 }, /^$/],
    ] as const) {
      host = new FakeHost();
      host.silent.add("10.86.0.20");
      const probes = ["10.86.0.20"];
      const request = { ...requestWith({ neighbours: [dialsIn], second }), probes };
      assert.match((await push(host, [{}, {}], request)).messages.join(), words);
    }
  });

  it("reports a wrong clock, also where nothing changes", async () => {
    for (const [seconds, words] of [
      [-7200, /^its clock is 2 h behind this machine's\. WireGuard refuses/],
      [90, /^its clock is 90 s ahead of/],
      [-50, /^$/],
    ] as const) {
      host = new FakeHost();
      host.model.now += seconds;
      assert.match((await push(host, [{}, {}])).messages.join(), words);
      assert.match((await push(host, [{}])).messages.join(), words);
    }
  });

  describe("that was overtaken by another one", () => {
    const again = "another push to this host came in between; sending it again";

    it("is sent again as a new push", async () => {
      const { result, messages } = await push(host, [OVERTAKEN, {}, {}]);
      assert.deepEqual([result, messages], [applied, [again]]);
      assert.notEqual(host.sent[0]?.token, host.sent[1]?.token);
    });

    it("fails when that happens four times", async () => {
      const outcome = await push(host, [OVERTAKEN, OVERTAKEN, OVERTAKEN, OVERTAKEN]);
      assert.match(messageOf(outcome), /^host: other pushes to this host came in between each/);
      assert.deepEqual(outcome.messages, [again, again, again]);
    });
  });
});
