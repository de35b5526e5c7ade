/** The text of a change, exactly as a host reads it. */
import assert from "node:assert/strict";
import { renderChange, type Change } from "../../../mesh/host/change";
import { HIDDEN, Secret } from "../../../mesh/secret";

const change: Change = {
  now: [{ do: "place", path: "/a", mode: "600", text: Secret.of("one\n\ntwo\n") }],
  apply: [
    { do: "link", interface: "wg0" },
    { do: "wg", interface: "wg0", text: Secret.of("[Interface]\nPrivateKey = secret\n") },
    { do: "forget", interface: "wg0", keys: ["A=", "B="] },
    { do: "ip", lines: ["link set up dev wg0", "route add 10.0.0.0/8 dev wg0"] },
    { do: "ip6", lines: ["rule add priority 5182 table 5182"] },
    { do: "sysctl", key: "net/ipv4/ip_forward", value: "1" },
    { do: "shake", interface: "wg0", seconds: 8, key: "A=", endpoint: "192.0.2.1:9" },
    { do: "shake", interface: "wg0", seconds: 15, key: "A=", endpoint: null },
    { do: "watch", lines: ["pair wg0 A= B= 10.0.0.1/32"] },
    { do: "watch", lines: [] },
    { do: "leave", interface: "wg0", tried: "A=", key: "B=" },
    { do: "ping", addresses: ["10.0.0.1", "fd00::1"] },
  ],
  undo: [{ do: "unlink", interface: "wg0" }],
  commit: [
    { do: "place", path: "/etc/wireguard/wg0.conf", mode: "600", text: Secret.of("x\n") },
    { do: "delete", path: "/b" },
    { do: "enable", unit: "u.service" },
    { do: "disable", unit: "v.service" },
    { do: "openrc", verb: "add", name: "n" },
    { do: "forget-keys" },
  ],
};

describe("the text of a change", () => {
  it("has its steps in four pieces, and their data in numbered ones", () => {
    assert.equal(
      renderChange(change).reveal(),
      `@ now
 place 1 600 /a
@ apply
 link wg0
 wg wg0 2
 set wg0 peer A= remove peer B= remove
 ip 3
 ip6 4
 sysctl net/ipv4/ip_forward 1
 shake wg0 8 A= 192.0.2.1:9
 shake wg0 15 A= -
 watch 5
 watch -
 leave wg0 A= B=
 ping 10.0.0.1 fd00::1
@ undo
 unlink wg0
@ commit
 place 6 600 /etc/wireguard/wg0.conf
 delete /b
 enable u.service
 disable v.service
 openrc add n
 forget-keys
@ 1
 one
${" "}
 two
@ 2
 [Interface]
 PrivateKey = secret
@ 3
 link set up dev wg0
 route add 10.0.0.0/8 dev wg0
@ 4
 rule add priority 5182 table 5182
@ 5
 pair wg0 A= B= 10.0.0.1/32
@ 6
 x
`,
    );
  });

  it("cannot be printed by accident", () => {
    assert.equal(String(renderChange(change)), HIDDEN);
    assert.ok(!JSON.stringify(change).includes("secret"));
  });
});
