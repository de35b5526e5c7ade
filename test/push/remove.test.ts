/** A removal: what it sends to the host, and how it reports the result. */
import * as assert from "node:assert/strict";
import { removeThrough, type RemoveResult } from "../../scripts/push/remove";
import { applyThrough } from "../../scripts/push/apply";
import { FakeHost, unreachable, type Login } from "./support/fake-host";
import { requestWith } from "./support/model-request";

const REQUEST = requestWith({});
const OVERTAKEN: Login = { exit: { stdout: "overtaken\n" } };
const LISTENERS = { onMessage: () => undefined, onInstall: () => undefined };

/** A host with a confirmed push. */
async function pushedHost(): Promise<FakeHost> {
  const host = new FakeHost();
  host.expect({}, {});
  await applyThrough(host, REQUEST, LISTENERS);
  return host;
}

async function remove(host: FakeHost, ...logins: Login[]): Promise<RemoveResult> {
  host.expect(...logins);
  const result = await removeThrough(host, REQUEST);
  host.expect();
  return result;
}

describe("a removal", () => {
  it("sends the host the removal, with the forwarding to turn off", async () => {
    const host = await pushedHost();
    assert.deepEqual(await remove(host, {}), { node: "host", outcome: "removed", note: null });
    const sent = host.sent.at(-1);
    assert.deepEqual([sent?.verb, sent?.words], ["remove", host.sent[0]?.token]);
    assert.equal(sent?.answer, "remove net/ipv4/ip_forward\n");
  });

  it("finds nothing on a host without wireguard-mesh", async () => {
    const host = new FakeHost();
    assert.deepEqual(await remove(host, {}), { node: "host", outcome: "absent", note: null });
    assert.equal(host.sent[0]?.answer, "");
  });

  it("leaves what belongs to another stack, node or machine", async () => {
    const owners = [
      ["other/stack\nhost\nmachine\n", "host of stack other/stack, so it was not touched"],
      [
        "wireguard-mesh/test\nhost\nmoved\n",
        "another machine of host (other host keys or instance), so it was not touched",
      ],
    ] as const;
    for (const [owner, whose] of owners) {
      const host = await pushedHost();
      host.model.files.set("/var/lib/wireguard-mesh/wg0/owner", owner);
      const { outcome, note } = await remove(host, {});
      assert.equal(outcome, "left");
      assert.equal(note, `host: wg0 there belongs to ${whose}`);
      assert.equal(host.sent.at(-1)?.answer, "");
    }
  });

  it("names the node that the host has become by a rename", async () => {
    const host = await pushedHost();
    const owner = `${REQUEST.owner}\ndesktop\n${REQUEST.machine}\n`;
    host.model.files.set("/var/lib/wireguard-mesh/wg0/owner", owner);
    const { note } = await remove(host, {});
    const now = "wg0 there belongs to desktop now, so the removal of host changed nothing";
    assert.equal(note, `host: ${now}`);
  });

  it("reports that the host is cleaning up when the tunnel was the way in", async () => {
    const host = await pushedHost();
    const reply = { exitCode: null, stdout: "removing\n" };
    const { outcome, note } = await remove(host, { reply });
    assert.equal(outcome, "removing");
    assert.match(note ?? "", /the host goes on cleaning up by itself/);
  });

  it("returns the host's notes", async () => {
    const host = await pushedHost();
    const reply = { stdout: "note disable x: no such unit\nremoving\nremoved\n" };
    assert.equal((await remove(host, { reply })).note, "disable x: no such unit");
  });

  it("is sent again once if another change came in between", async () => {
    assert.equal((await remove(await pushedHost(), OVERTAKEN, {})).outcome, "removed");
    const { outcome } = await remove(await pushedHost(), OVERTAKEN, OVERTAKEN);
    assert.equal(outcome, "failed");
  });

  it("fails with what may be left and how to clean it by hand, and never throws for a host", async () => {
    for (const [login, why] of [
      [{ before: unreachable }, /^host: cannot be reached/],
      [{ exit: { exitCode: 1, stderr: "error: busy\nremedy: wait\n" } }, /^host: busy\nwait/],
      [
        { reply: { exitCode: 1, stdout: "removing\n", stderr: "error: no\nremedy: do\n" } },
        /^host: no\ndo/,
      ],
      [{ isCut: true }, /^host: the connection broke before the host had begun/],
    ] as const) {
      const { outcome, note } = await remove(await pushedHost(), login);
      assert.equal(outcome, "failed");
      assert.match(note ?? "", why);
      assert.match(note ?? "", /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh remove wg0$/);
    }
  });
});
