/** Reading a wg-quick(8) file, and the errors for what cannot be kept. */
import assert from "node:assert/strict";
import { Secret } from "../../../mesh/secret";
import { parseWgQuick } from "../../../mesh/wg-quick/parse";
import { keyPair } from "../../support/key-pairs";

const [own, other] = [keyPair(0), keyPair(1)];
const presharedKey = keyPair(2).privateKey;

function parsed(...lines: string[]) {
  return parseWgQuick(Secret.of(lines.join("\n")), "wg0.conf");
}

/** `AT: MESSAGE` for a valid file with these additional lines in its sections. */
function problemsOf(inInterface: string[], inPeer: string[] = []): string[] {
  const { problems } = parsed(
    ...["[Interface]", `PrivateKey = ${own.privateKey}`, ...inInterface],
    ...["[Peer]", `PublicKey = ${other.publicKey}`, ...inPeer],
  );
  return problems.map(({ at, message }) => `${at}: ${message}`);
}

describe("a wg-quick file", () => {
  it("is read in any case and order, with lists in several lines and comments anywhere", () => {
    const { file, problems } = parsed(
      "# made by hand",
      "[INTERFACE]",
      "address = 10.0.0.1/24, fd5c:10::1/64 # both",
      "ADDRESS=192.0.2.1",
      "MTU=1380\r",
      "Dns = 9.9.9.9, example.org",
      `privatekey   =   ${own.privateKey}`,
      "ListenPort = 0",
      "",
      "# Client: Taro's phone (6f0e-12)",
      "[peer]",
      "AllowedIPs = 10.0.0.2/24",
      "allowedips = fd5c:10::2, 10.0.0.7",
      `PresharedKey = ${presharedKey}`,
      "Endpoint = VPN.example.org:51820",
      "PersistentKeepalive = off",
      `PublicKey=${other.publicKey}`,
    );
    assert.deepEqual(problems, []);
    const { privateKey, peers, ...rest } = file;
    assert.equal(privateKey?.reveal(), own.privateKey);
    assert.deepEqual(rest, {
      source: "wg0.conf",
      name: "made by hand",
      addresses: [
        { family: 4, text: "10.0.0.1", length: 24 },
        { family: 6, text: "fd5c:10::1", length: 64 },
        { family: 4, text: "192.0.2.1", length: 32 },
      ],
      listenPort: null,
      mtu: 1380,
      dns: ["9.9.9.9", "example.org"],
      hooks: [],
    });
    const [peer] = peers;
    assert.equal(peer?.presharedKey?.reveal(), presharedKey);
    assert.deepEqual(
      { ...peer, presharedKey: null },
      {
        line: 11,
        name: "Taro's phone",
        publicKey: other.publicKey,
        presharedKey: null,
        allowedIps: [
          { family: 4, text: "10.0.0.0/24", length: 24 },
          { family: 6, text: "fd5c:10::2/128", length: 128 },
          { family: 4, text: "10.0.0.7/32", length: 32 },
        ],
        endpoint: { host: "vpn.example.org", port: 51820 },
        keepalive: 0,
      },
    );
  });

  it("names its peers by the comment above or below [Peer], but not by prose, settings or keys", () => {
    const names = (comment: string, ...below: string[]) =>
      parsed(
        "[Interface]",
        `PrivateKey = ${own.privateKey}`,
        comment,
        "[Peer]",
        ...below,
        `PublicKey = ${other.publicKey}`,
      ).file.peers[0]?.name;
    const cases: [string, string | null][] = [
      ["# nas", "nas"],
      ["### Client alice", "alice"],
      ["# BEGIN_PEER bob", "bob"],
      ["### begin carol ###", "carol"],
      ["### end bob ###", null],
      ["# END_PEER bob", null],
      ["# Name = Büro 2", "Büro 2"],
      ["#friendly_name=gate", "gate"],
      ["# this one is the office's gateway", null],
      ["# PublicKey = x", null],
      [`# ${own.privateKey}`, null],
      ["# 雪", null],
    ];
    for (const [comment, name] of cases) assert.equal(names(comment), name, comment);
    assert.equal(names("", "# carol"), "carol");
    assert.equal(names("# nas\n"), null, "a comment apart is about something else");
  });

  it("is refused, with the line, for settings that would be lost", () => {
    assert.deepEqual(
      problemsOf([
        "SaveConfig = true",
        "Table = off",
        "FwMark = 0xca6c",
        "PostUp = /usr/local/bin/notify",
        "PreDown = wg set %i peer x remove",
        "PostUp = iptables -A FORWARD -i wg0 -j DROP",
      ]),
      [
        "wg0.conf:3: SaveConfig lets wg-quick overwrite the file, and is not kept",
        "wg0.conf:4: Table is not kept: routes go into the main table",
        "wg0.conf:5: FwMark is not kept",
        "wg0.conf:6: PostUp runs commands that a push does not know, and is not kept",
        "wg0.conf:7: PreDown runs commands that a push does not know, and is not kept",
        "wg0.conf:8: PostUp runs commands that a push does not know, and is not kept",
      ],
    );
  });

  it("may have wg-quick's own defaults, empty hooks, and hooks that do what a push does", () => {
    const { file, problems } = parsed(
      "[Interface]",
      `PrivateKey = ${own.privateKey}`,
      ...["SaveConfig = false", "Table = auto", "FwMark = off", "PreUp = ", "PreDown ="],
      "PostUp = ip6tables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
      "PostDown = iptables -t nat -D POSTROUTING -o eth0 -j MASQUERADE",
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(file.hooks, [
      { line: 8, setting: "PostUp", effect: "accept" },
      { line: 8, setting: "PostUp", effect: "masquerade" },
    ]);
  });

  it("of wg-easy 15 is read, with its table, its MTU and its rules for both families", () => {
    const rules = ["iptables", "ip6tables"].flatMap((tool) => [
      `${tool} -t nat -A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE`,
      `${tool} -A INPUT -p udp -m udp --dport 51820 -j ACCEPT`,
      `${tool} -A FORWARD -i wg0 -j ACCEPT`,
      `${tool} -A FORWARD -o wg0 -j ACCEPT`,
    ]);
    const { file, problems } = parsed(
      ...["# Note: Do not edit this file directly.", "# Your changes will be overwritten!", ""],
      ...["# Server", "[Interface]", `PrivateKey = ${own.privateKey}`],
      ...["Address = 10.8.0.1/24, fdcc:ad94:bacf:61a4::cafe:1/112", "ListenPort = 51820"],
      ...["MTU = 1420", "Table = auto", "", "PreUp = ", `PostUp = ${rules.join("; ")};`],
      ...["PreDown = ", `PostDown = ${rules.join("; ").replaceAll("-A", "-D")};`, ""],
      ...["# Client: Hanako (2)", "[Peer]", `PublicKey = ${other.publicKey}`],
      ...[
        `PresharedKey = ${presharedKey}`,
        "AllowedIPs = 10.8.0.2/32, fdcc:ad94:bacf:61a4::cafe:2/128",
      ],
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(
      file.hooks.map(({ effect }) => effect),
      ["masquerade", "accept"],
    );
    assert.deepEqual([file.name, file.peers[0]?.name], ["Server", "Hanako"]);
  });

  it("is refused, with the line, for values that wg rejects or silently reinterprets", () => {
    assert.deepEqual(
      problemsOf(
        ["Address = 10.0.0.1/33", "ListenPort = 65536", "MTU = many", "Jc = 5", "nonsense"],
        [
          ...["AllowedIPs = 010.0.0.2", "Endpoint = 203.0.113.10", "Endpoint = 203.0.113.10:70000"],
          ...["PersistentKeepalive = 25s", "PresharedKey = short", "Address = 10.0.0.2/24"],
        ],
      ),
      [
        'wg0.conf:3: Address: "10.0.0.1/33" is not an address with a prefix length',
        'wg0.conf:4: ListenPort: "65536" is not a UDP port',
        'wg0.conf:5: MTU: "many" is not an MTU',
        "wg0.conf:6: Jc is not a setting of wg-quick here",
        "wg0.conf:7: is neither a setting nor a comment",
        'wg0.conf:10: AllowedIPs: "010.0.0.2" is not an IPv4 address',
        'wg0.conf:11: Endpoint: "203.0.113.10" is not an endpoint',
        "wg0.conf:12: Endpoint: 70000 is not a port",
        'wg0.conf:13: PersistentKeepalive: "25s" is not a number of seconds, or off',
        "wg0.conf:14: PresharedKey: is not a WireGuard key",
        "wg0.conf:15: Address is not a setting of wg-quick here",
      ],
    );
  });

  it("is refused without an [Interface], a private key, or a peer's public key, and with a peer twice", () => {
    const messages = (...lines: string[]) =>
      parsed(...lines).problems.map(({ message }) => message);
    assert.deepEqual(messages("hello"), [
      "is neither a setting nor a comment",
      "has no [Interface]: it is not a wg-quick file",
    ]);
    assert.deepEqual(messages("[Interface]", "[Peer]"), [
      "has no PrivateKey, so its node is unknown",
      "[Peer] has no PublicKey",
    ]);
    assert.deepEqual(problemsOf([], ["[Peer]", `PublicKey = ${other.publicKey}`]), [
      "wg0.conf:5: [Peer] has the PublicKey of an earlier one: WireGuard uses only the last",
    ]);
  });

  // With a slash late in it, as half of all keys have one.
  const slashed = `${"Qk1x".repeat(7)}/w1x${"Qk1x".repeat(2)}Qk0=`;
  for (const [which, key] of Object.entries({ any: presharedKey, "one with a slash": slashed }))
    it(`has no key in a message: ${which}`, () => {
      const lines = [key, `${key} = 1`, `Address = ${key}`, `DNS = ${key}`, `PostUp = echo ${key}`];
      const inPeer = [
        `Endpoint = ${key}`,
        `AllowedIPs = ${key}`,
        `AllowedIPs = ${key}/24`,
        `PersistentKeepalive = ${key}`,
        `PublicKey = ${key}x`,
      ];
      const { problems, file } = parsed(
        ...["[Interface]", `PrivateKey = ${own.privateKey}`, ...lines, `[${key}]`],
        ...[`# ${key}`, "[Peer]", ...inPeer],
      );
      assert.ok(problems.length >= 7);
      const text = JSON.stringify([problems, file.peers, file.name]).toLowerCase();
      assert.ok(!text.includes(key.slice(0, 20).toLowerCase()), text);
    });

  it("is read in linear time", () => {
    const begun = process.cpuUsage();
    parsed("[Interface]", `# a${" ".repeat(100_000)}x`);
    assert.ok(process.cpuUsage(begun).user < 2_000_000);
  });
});
