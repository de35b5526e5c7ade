/** The oracle: whether a model host matches a request, read from its text without the code under test. */
import assert from "node:assert/strict";
import type { PushRequest } from "../../../../mesh/push-request";
import { readWgQuick, type WgPeer } from "../../../support/wg-quick-text";
import { publicKeyOf } from "./host-keys";
import { deviceOf, hostPart, linkOf, type Host, type Peer } from "./host";
import { IFACE, SECOND } from "./observe";
import { routeOf } from "./packet-route";

export function assertReached(before: Host, host: Host, request: PushRequest): void {
  const { rotation, forwarding, filter } = request;
  assert.equal(host.table?.map((line) => `${line}\n`).join(""), filter, "packet filter");
  assertInterface(before, host, IFACE, request.config, rotation?.pairs ?? []);
  const alternate = rotation?.alternate ?? null;
  assert.equal(host.links.has(SECOND), alternate !== null, "second interface");
  if (alternate !== null)
    assertInterface(before, host, SECOND, alternate.config, rotation?.pairs ?? []);
  assertWayOut(host, request);
  const rules = host.rules.filter(({ priority }) => priority === 5182).map(({ family }) => family);
  assert.deepEqual(rules.sort(), alternate === null ? [] : [4, 6], "rules");
  if (forwarding.ipv4) assert.equal(host.sysctls.get("net/ipv4/ip_forward"), "1");
  if (!forwarding.ipv6) return;
  assert.equal(host.sysctls.get("net/ipv6/conf/all/forwarding"), "1");
  const routes = (of: Host) => of.routes.filter(({ proto }) => proto === "ra").length;
  assert.equal(routes(host), routes(before), "default routes from router advertisements");
}

function assertInterface(
  before: Host,
  host: Host,
  name: string,
  text: string,
  pairs: { current: string; next: string }[],
): void {
  const wanted = readWgQuick(text);
  const [link, device] = [linkOf(host, name), deviceOf(host, name)];
  assert.ok(link.up, `${name} is up`);
  assert.deepEqual([...link.addresses].sort(), [...wanted.addresses].sort());
  if (wanted.mtu !== null) assert.equal(link.mtu, wanted.mtu);
  if (wanted.listenPort !== null) assert.equal(device.port, wanted.listenPort);
  const own = /^\(on this host\) (.+)$/.exec(wanted.privateKey ?? "")?.[1];
  assert.equal(publicKeyOf(device.privateKey ?? ""), own ?? publicKeyOf(wanted.privateKey ?? ""));
  const expired = new Set(expiredKeys(text, host.now));
  const peers = wanted.peers.filter(({ publicKey }) => !expired.has(publicKey));
  const keys = peers.map(({ publicKey }) => publicKey);
  // A peer that expired at most a minute ago may still be there.
  const overdue = expiredKeys(text, host.now - 60);
  const running = [...device.peers.keys()].filter(
    (key) => !expired.has(key) || overdue.includes(key),
  );
  assert.deepEqual(running.sort(), keys.sort(), "peers");
  for (const peer of peers) {
    const is = device.peers.get(peer.publicKey);
    const was = formerPeer(before, name, device.privateKey, peer.publicKey);
    assert.ok(is !== undefined);
    assert.equal(is.presharedKey, peer.presharedKey);
    assert.equal(is.keepalive, peer.persistentKeepalive ?? 0);
    assertEndpoint(peer, is, was, before);
    const pair = pairs.find(({ current, next }) => [current, next].includes(peer.publicKey));
    if (pair === undefined)
      assert.deepEqual([...is.allowedIps].sort(), [...peer.allowedIps].sort());
  }
  // The prefixes of expired peers are not checked while their keys may still be there.
  for (const { current, next } of pairs.filter((it) => !expired.has(it.current))) {
    const shared = peers.find(({ publicKey }) => publicKey === current)?.allowedIps ?? [];
    const held = [current, next].map((key) => [...(device.peers.get(key)?.allowedIps ?? [])]);
    assert.ok(
      held.some((all) => all.length === 0),
      "one of two keys has the prefixes",
    );
    assert.deepEqual(held.flat().sort(), [...shared].sort());
  }
  if (text.includes("Table = off")) return;
  // Where everything goes into the tunnel, longer prefixes of the main table still come first.
  const isElsewhere = (prefix: string) =>
    text.includes("Table = 51820") &&
    host.routes.some((it) => it.table === "main" && it.dev !== name && it.prefix === prefix);
  const prefixes = wanted.peers.flatMap(({ allowedIps }) => allowedIps);
  for (const prefix of prefixes.filter((it) => !isElsewhere(it))) {
    assert.equal(routeOf(host, insideOf(prefix), null), name, `the route to ${prefix}`);
  }
}

/** For a default route, an address that is in no longer prefix. */
function insideOf(prefix: string): string {
  return prefix === "0.0.0.0/0"
    ? "8.8.8.8"
    : prefix === "::/0"
      ? "2001:db8:8::8"
      : hostPart(prefix);
}

/** Everything goes into the tunnel but what is marked, and what the host's own network has; or nothing of it is left. */
function assertWayOut(host: Host, { config }: PushRequest): void {
  const sendsAll = config.includes("Table = 51820");
  const hasPeer = config.includes("0.0.0.0/0");
  const ways = (mark: string | null) =>
    ["8.8.8.8", "192.168.1.9"].map((it) => routeOf(host, it, mark));
  assert.equal(deviceOf(host, IFACE).mark === "0xca6c", sendsAll, "mark");
  assert.deepEqual(ways("0xca6c"), ["eth0", "eth0"]);
  assert.deepEqual(ways(null), [hasPeer ? IFACE : "eth0", "eth0"]);
  if (sendsAll) {
    assert.equal(routeOf(host, "2001:db8:8::8", null), IFACE);
    assert.equal(host.sysctls.get("net/ipv4/conf/all/src_valid_mark"), "1");
  } else {
    assert.ok(!host.rules.some(({ table }) => table === "51820"), "rules");
    assert.ok(!host.routes.some(({ table }) => table === "51820"), "routes");
  }
}

/**
 * The peer before the push: at this interface, or at the one that had this key, if that had a later handshake. A peer that
 * has roamed follows the interface's key.
 */
function formerPeer(before: Host, name: string, privateKey: string | null, key: string) {
  const own = before.links.get(name)?.wg;
  const here = own?.peers.get(key);
  if (own?.privateKey === privateKey) return here;
  const former = [...before.links.values()].find(({ wg }) => wg?.privateKey === privateKey)?.wg;
  const there = former?.peers.get(key);
  const isHeard = there !== undefined && there.endpoint !== null && there.handshake > 0;
  return isHeard && there.handshake >= (here?.handshake ?? 0) ? there : here;
}

function expiredKeys(text: string, now: number): string[] {
  return text.split("[Peer]\n").flatMap((section) => {
    const [, date = ""] = /^# Expires = (.+)$/m.exec(section) ?? [];
    const [, key = ""] = /^PublicKey = (.+)$/m.exec(section) ?? [];
    return Date.parse(date) / 1000 <= now ? [key] : [];
  });
}

/** An address is dialled; a name at one of its addresses; what does not resolve or has roamed stays. */
function assertEndpoint(
  peer: WgPeer,
  is: Peer,
  was: Peer | undefined,
  { resolver, now }: Host,
): void {
  if (peer.endpoint === null) return;
  const at = peer.endpoint.lastIndexOf(":");
  const [name, port] = [peer.endpoint.slice(0, at), peer.endpoint.slice(at)];
  const isName = /[g-z]/.test(name);
  const answers = isName
    ? (resolver.get(name) ?? []).map((address) => address + port)
    : [peer.endpoint];
  if (is.endpoint !== null && answers.includes(is.endpoint)) return;
  assert.equal(
    is.endpoint,
    was?.endpoint ?? null,
    "an endpoint that is not the wanted one is as it was",
  );
  const roamed = was !== undefined && was.handshake > now - 180;
  assert.ok(
    answers.length === 0 || roamed,
    `${is.endpoint ?? "no endpoint"} instead of ${peer.endpoint}`,
  );
}
