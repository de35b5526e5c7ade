/** What is imported from a live host, by its report on its interfaces. */
import assert from "node:assert/strict";
import { Secret } from "../../mesh/secret";
import { configsIn, type HostInterface } from "../../scripts/push/read-configs";
import { sourceOf } from "../../scripts/stack/import-hosts";
import { hostKeyLine, keyPair } from "../support/key-pairs";

const HOST = { host: "root@203.0.113.10", hostKeys: [hostKeyLine(0)] };
const [own, a, b] = [keyPair(0), keyPair(1), keyPair(2)];

const FILE = `[Interface]
PrivateKey = ${own.privateKey}
Address = 10.0.0.1/24

# laptop
[Peer]
PublicKey = ${a.publicKey}
AllowedIPs = 10.0.0.2/32
[Peer]
PublicKey = ${b.publicKey}
AllowedIPs = 10.0.0.3/32
Endpoint = vpn.example.org:51820
PersistentKeepalive = 25
`;

/** As wg showconf prints it, with a port of its own and the places where the peers are now. */
const RUNNING = `[Interface]
Address = 10.0.0.1/24
ListenPort = 40000
PrivateKey = ${own.privateKey}

[Peer]
PublicKey = ${a.publicKey}
AllowedIPs = 10.0.0.2/32
Endpoint = 198.51.100.7:12345

[Peer]
PublicKey = ${b.publicKey}
AllowedIPs = 10.0.0.3/32
Endpoint = 203.0.113.20:51820
PersistentKeepalive = 25
`;

function read(interfaces: Partial<HostInterface>[], name?: string) {
  const whole = interfaces.map((one) => ({
    ...{ name: "wg0", file: Secret.of(FILE), running: Secret.of(RUNNING), owner: null },
    ...one,
  }));
  return sourceOf({ hostname: "gate.example.org", interfaces: whole }, HOST, name);
}

const messages = (...args: Parameters<typeof read>) =>
  read(...args).problems.map(({ at, message }) => `${at}: ${message}`);

describe("an import of a live host", () => {
  it("takes its file, and its name, its login and its host key", () => {
    const { source, problems } = read([{}]);
    assert.deepEqual(problems, []);
    assert.deepEqual([source?.name, source?.interface, source?.host], ["gate", "wg0", HOST]);
    const { listenPort, peers } = source?.file ?? {};
    assert.deepEqual([listenPort, peers?.[1]?.endpoint?.host], [null, "vpn.example.org"]);
  });

  it("takes the running interface if there is no file, and only endpoints that are dialled", () => {
    const { source, problems } = read([{ file: null }]);
    assert.deepEqual(problems, []);
    const { listenPort, peers } = source?.file ?? {};
    assert.deepEqual(
      [listenPort, peers?.map(({ endpoint }) => endpoint?.host ?? null)],
      [40000, [null, "203.0.113.20"]],
    );
  });

  it("is refused if file and interface differ, with the peers", () => {
    const running = Secret.of(RUNNING.replace("10.0.0.2/32", "10.0.0.9/32"));
    assert.deepEqual(messages([{ running }]), [
      "root@203.0.113.10:/etc/wireguard/wg0.conf: the running wg0 differs from its file: peer laptop: AllowedIPs 10.0.0.9/32 instead of 10.0.0.2/32",
    ]);
  });

  it("is refused for an interface that is down, another stack's, or not there", () => {
    const at = HOST.host;
    assert.deepEqual(messages([{ running: null }]), [
      `${at}: wg0 is down there, and a push takes over only an interface that runs`,
    ]);
    assert.deepEqual(messages([{ owner: "wireguard-mesh/home" }]), [
      `${at}: wg0 belongs to a stack of wireguard-mesh already: wireguard-mesh/home`,
    ]);
    assert.deepEqual(messages([]), [`${at}: has no WireGuard interface`]);
    assert.deepEqual(messages([{}], "wg7"), [`${at}: has no wg7`]);
  });

  it("needs the name of the interface where there are several", () => {
    const several = [{}, { name: "wg1" }];
    assert.deepEqual(messages(several), [`${HOST.host}: has several interfaces: wg0, wg1`]);
    assert.equal(read(several, "wg1").source?.interface, "wg1");
    const rotating = [{ owner: "p/home" }, { name: "wg0-next" }, { name: "wg1" }];
    assert.deepEqual(messages(rotating), [`${HOST.host}: has several interfaces: wg0, wg1`]);
  });

  it("names the interface in the remedy for a hook", () => {
    const file = Secret.of(FILE.replace("\n\n#", "\nPostUp = /usr/local/bin/notify\n\n#"));
    const { problems } = read([{}, { name: "wg1", file }], "wg1");
    assert.match(problems[0]?.remedy ?? "", /After=wg-quick@wg1\.service/);
  });

  it("has only names that wg-quick accepts, and no control characters", () => {
    const said = [
      ...["hostname", "relay"],
      ...["file wg0", FILE, "file wg1\u001b[31m", FILE, "file $(reboot)", FILE],
      ...["owner wg0", "\u001b]0;title\u0007p/\u001b[31mdev", "end", ""],
    ].map((line) => (/^(hostname|file|owner|end)/.test(line) ? `@token ${line}` : line));
    const { interfaces } = configsIn(said.join("\n"), "token");
    assert.deepEqual(
      interfaces.map(({ name }) => name),
      ["wg0"],
    );
    // eslint-disable-next-line no-control-regex -- what must not be there
    assert.doesNotMatch(interfaces[0]?.owner ?? "", /[\u0000-\u001f]/);
    assert.match(interfaces[0]?.owner ?? "", /p\/dev$/);
  });
});
