/** The lab's networks and hosts without a mesh: NAT and isolation. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { Lab } from "../../scripts/lab/lab";
import { LabError } from "../../scripts/lab/world";
import { leftovers } from "./support/leftovers";
import {
  canPing,
  canPingSoon,
  reachesSshSoon,
  tcpBanner,
  waitForLog,
  login,
  smallWorld,
} from "./support/small-world";

describe("a world of the lab", function () {
  this.timeout(60_000);
  let lab: Lab;
  before(async () => {
    process.env["LAB_TEST_SECRET"] = "a-secret-of-the-operator";
    lab = await Lab.up(smallWorld(), { id: "test-world" });
  });
  after(async () => {
    delete process.env["LAB_TEST_SECRET"];
    await lab.down();
  });

  describe("its routers", () => {
    it("translate the source address of traffic from the LAN", async () => {
      assert.ok(await reachesSshSoon(lab, "laptop", "203.0.113.10"));
      assert.ok(await waitForLog(lab, "relay", /Connection (closed|reset) by 203\.0\.113\.22/));
      assert.doesNotMatch(lab.sshLog("relay"), /192\.168\.12\./);
    });

    it("accept nothing from outside, neither for themselves nor for the LAN", async () => {
      await lab.exec("relay", ["ip", "route", "add", "192.168.12.0/24", "via", "203.0.113.22"]);
      assert.equal(await canPing(lab, "relay", "203.0.113.22"), false);
      assert.equal(await canPing(lab, "relay", "192.168.12.30"), false);
      assert.equal(await tcpBanner(lab, "relay", "192.168.12.30", 22), "");
    });

    it("accept forwarded ports only", async () => {
      assert.ok(await reachesSshSoon(lab, "relay", "203.0.113.21", 2222));
      assert.ok(await waitForLog(lab, "desktop", /Connection (closed|reset) by 203\.0\.113\.10/));
      assert.equal(await tcpBanner(lab, "relay", "203.0.113.21", 22), "");
    });

    it("do not route between LANs", async () => {
      assert.equal(await canPingSoon(lab, "laptop", "203.0.113.10"), true);
      assert.equal(await canPing(lab, "laptop", "192.168.1.20"), false);
    });
  });

  describe("its hosts", () => {
    it("have their own name, process list and /etc/wireguard", async () => {
      await lab.exec("desktop", ["touch", "/etc/wireguard/only-here", "/run/wireguard-only-here"]);
      const script = "hostname; ls /etc/wireguard /run | grep only-here; ps -e -o comm=";
      const desktop = await lab.exec("desktop", ["sh", "-c", script]);
      const laptop = await lab.exec("laptop", ["sh", "-c", script]);
      const processes = ["sshd", "sh", "ps"];
      const own = ["only-here", "wireguard-only-here"];
      assert.deepEqual(desktop.stdout.trim().split("\n"), ["desktop", ...own, ...processes]);
      assert.deepEqual(laptop.stdout.trim().split("\n"), ["laptop", ...processes]);
      assert.equal(fs.existsSync("/etc/wireguard/only-here"), false);
    });

    it("have different SSH host keys", () => {
      const keys = lab.hosts.map((host) => lab.hostKey(host));
      assert.equal(new Set(keys).size, 3);
      for (const key of keys) assert.match(key, /^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
    });

    it("do not see the operator's files, processes and environment", async () => {
      // Not the first line of the key's body, which is the same in every key of this type.
      const [, , keyLine = ""] = lab.sshPrivateKey().split("\n");
      const places = "/etc /var /root /home /tmp /run /dev";
      const search = `grep -rlFe '${keyLine}' -e a-secret-of-the-operator ${places}; cat /proc/*/environ`;
      const found = await lab.exec("laptop", ["sh", "-c", `${search} | tr '\\0' '\\n'`]);
      assert.doesNotMatch(found.stdout, /^\/|a-secret-of-the-operator/m);
      const tree = await lab.exec("laptop", ["sh", "-c", "echo /*; ls -A /var/tmp /tmp /home"]);
      assert.match(
        tree.stdout,
        /^\/bin \/dev \/etc \/home (\/lib\w* )+\/proc \/root \/run \/sbin \/sys \/tmp \/usr \/var\n/,
      );
      assert.match(tree.stdout, /\/home:\nadmin\n\n\/tmp:\n\n\/var\/tmp:\n$/);
    });

    it("reach only the operator on the management network", async () => {
      const address = lab.managementAddress("desktop");
      assert.equal(await canPingSoon(lab, "operator", address), true);
      assert.equal(await canPing(lab, "laptop", address), false);
      assert.equal(await canPingSoon(lab, "laptop", "172.29.0.1"), true);
    });

    it("run commands without a shell, with input and exit code", async () => {
      const echoed = await lab.exec("laptop", ["printf", "%s|", "a b", "$HOME", "'\""]);
      assert.equal(echoed.stdout, "a b|$HOME|'\"|");
      const counted = await lab.exec("laptop", ["sh", "-c", "wc -c; exit 7"], { input: "12345" });
      assert.deepEqual([counted.code, counted.stdout.trim()], [7, "5"]);
      const late = await lab.exec("laptop", ["sleep", "60"], { timeoutMs: 2_000 });
      assert.equal(late.code, 124);
      const left = await lab.exec("laptop", ["ps", "-e", "-o", "args="]);
      assert.doesNotMatch(left.stdout, /sleep 60/);
    });

    it("count accepted logins only", async () => {
      const before = lab.logins("desktop");
      const address = lab.managementAddress("desktop");
      for (const user of ["root", "admin"]) {
        const { code, stdout } = await login(lab, address, "id -un", user);
        assert.deepEqual([code, stdout.trim()], [0, user]);
      }
      const refused = await login(lab, address, "true", "daemon");
      assert.equal(refused.code, 255);
      assert.equal(lab.logins("desktop"), before + 2);
    });

    it("keep their files and lose their interfaces and processes at a reboot", async () => {
      await lab.exec("desktop", ["sh", "-c", "echo kept >/etc/wireguard/wg0.conf"]);
      await lab.exec("desktop", ["ip", "link", "add", "dummy0", "type", "dummy"]);
      const key = lab.hostKey("desktop");
      await lab.reboot("desktop");
      const script = "cat /etc/wireguard/wg0.conf; ls /sys/class/net /run | grep -e dummy0 -e only";
      const found = await lab.exec("desktop", ["sh", "-c", script]);
      assert.equal(found.stdout, "kept\n");
      assert.equal(lab.hostKey("desktop"), key);
      assert.equal(await canPingSoon(lab, "desktop", "203.0.113.10"), true);
      assert.equal(await canPingSoon(Lab.open("test-world"), "desktop", "203.0.113.10"), true);
    });

    it("do not answer while they are disconnected", async () => {
      const address = lab.managementAddress("relay");
      await lab.disconnect("relay");
      assert.equal(await canPing(lab, "laptop", "203.0.113.10"), false);
      assert.equal(await canPing(lab, "operator", address), false);
      await lab.reconnect("relay");
      assert.equal(await canPingSoon(lab, "laptop", "203.0.113.10"), true);
      assert.equal(await canPingSoon(lab, "operator", address), true);
    });
  });

  it("reports all errors of an invalid world and builds nothing", async () => {
    const wrong = {
      nats: { home: { public: "198.51.100.1", lan: "192.168.1.0/24", gw: "192.168.2.1" } },
      hosts: {
        operator: { public: "203.0.113.9" },
        both: { public: "203.0.113.9", nat: "home", ip: "192.168.1.2" },
        lost: { nat: "nowhere", ip: "192.168.1.3" },
        far: { nat: "home", ip: "192.168.9.3" },
      },
    };
    await assert.rejects(Lab.up(wrong, { id: "test-wrong" }), (error: Error) => {
      assert.ok(error instanceof LabError);
      assert.deepEqual(error.message.split("\n  "), [
        "The world cannot be built:",
        "operator is reserved for the lab",
        "nats.home: public 198.51.100.1 is not in 203.0.113.0/24, the lab's internet",
        "nats.home: gw 192.168.2.1 is not in 192.168.1.0/24",
        "hosts.both: must have either public or nat (with ip)",
        "hosts.lost: nat nowhere is not in nats",
        "hosts.far: ip 192.168.9.3 is not in 192.168.1.0/24, the LAN of home",
        "203.0.113.9 is given to two nodes",
      ]);
      return true;
    });
    assert.deepEqual(leftovers("test-wrong"), []);
  });
});
