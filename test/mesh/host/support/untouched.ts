/** Whether the steps of a change name anything that is the same before and after them. */
import assert from "node:assert/strict";
import type { ChangeRun } from "./change-text";
import { hostPart, networkOf, type Host, type Peer } from "./host";

/** `renewed`: peers that need a new session, so that they are named though they stay the same. */
export function assertUntouched(
  run: ChangeRun,
  before: Host,
  after: Host,
  renewed: ReadonlySet<string>,
): void {
  const steps = run.steps("apply").map((step) => step.split(" "));
  const replaced = new Set(steps.filter(([what]) => what === "unlink").map(([, name]) => name));
  const named: string[] = [];
  for (const [what = "", one = "", two = "", ...rest] of steps) {
    const lines = run.change.get(what === "wg" ? two : one) ?? [];
    if (what === "wg" && !replaced.has(one) && before.links.has(one)) {
      const keys = lines.flatMap((line) => /^PublicKey = (.+)$/.exec(line)?.[1] ?? []);
      named.push(...keys.map((key) => `${one} ${key}`));
      assertOwn(lines, one, before, after);
    }
    if (what === "forget") named.push(...[two, ...rest].map((key) => `${one} ${key}`));
    if (what === "ip") for (const line of lines) assertLine(line, replaced, before, after);
    if (what === "sysctl" && !replaced.has(one.split("/")[3]))
      assert.notEqual(before.sysctls.get(one), two, `sysctl ${one}`);
    if (what === "nft")
      assert.notDeepEqual(before.table, after.table, "the filter is loaded again");
    if (what === "link") assert.ok(!before.links.has(one) || replaced.has(one), `link ${one}`);
  }
  for (const [name, { wg }] of before.links) {
    // A new key of its own makes every session a new one.
    if (wg?.privateKey !== after.links.get(name)?.wg?.privateKey) continue;
    for (const [key, was] of replaced.has(name) ? [] : (wg?.peers ?? [])) {
      const is = after.links.get(name)?.wg?.peers.get(key);
      if (is === undefined || !isSame(was, is) || renewed.has(key)) continue;
      assert.ok(!named.includes(`${name} ${key}`), `peer ${key} of ${name} is named`);
      assert.ok(is.handshake >= was.handshake, `the session with ${key} is reset`);
    }
  }
}

/** Key and port of the interface. */
function assertOwn(lines: readonly string[], name: string, before: Host, after: Host): void {
  const [was, is] = [before.links.get(name)?.wg, after.links.get(name)?.wg];
  const names = (setting: string) => lines.some((line) => line.startsWith(`${setting} = `));
  if (names("PrivateKey")) assert.notEqual(was?.privateKey, is?.privateKey);
  if (names("FwMark")) assert.notEqual(was?.mark, is?.mark);
  if (names("ListenPort")) assert.notEqual(was?.port, is?.port);
}

function assertLine(
  line: string,
  replaced: ReadonlySet<string | undefined>,
  before: Host,
  after: Host,
): void {
  const name = /dev (\S+)/.exec(line)?.[1] ?? "";
  if (replaced.has(name)) return;
  const [was, is] = [before.links.get(name), after.links.get(name)];
  const [object, verb, what = ""] = line.split(" ");
  if (was === undefined || is === undefined || object === "rule") return;
  if (object === "link") {
    if (line.includes(" mtu ")) assert.notEqual(was.mtu, is.mtu, line);
    else assert.notEqual(was.up, is.up, line);
    return;
  }
  const gone = was.addresses.filter((address) => !is.addresses.includes(address));
  if (object === "address" && was.addresses.includes(what) && is.addresses.includes(what)) {
    const takenAlong = (address: string) =>
      networkOf(address) === networkOf(what) || hostPart(address) === hostPart(what);
    assert.ok(gone.some(takenAlong), `${line}: nothing takes it along`);
  }
  if (object === "route" && verb !== "del") {
    const [, of = "main"] = / table (\S+)/.exec(line) ?? [];
    const stay = new Set(after.routes.map((route) => JSON.stringify(route)));
    // One with another metric may go for it.
    const isThere = before.routes.some(
      (route) =>
        route.prefix === what &&
        route.dev === name &&
        route.table === of &&
        stay.has(JSON.stringify(route)),
    );
    assert.ok(!isThere || gone.some((address) => !address.includes(":")), `${line}: it is there`);
  }
}

function isSame(one: Peer, other: Peer): boolean {
  const text = (peer: Peer) =>
    JSON.stringify([{ ...peer, handshake: 0 }, [...peer.allowedIps].sort()]);
  return text(one) === text(other);
}
