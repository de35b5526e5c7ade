/** `rollback`, and `host.sh rollback` on the host itself, with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../scripts/lab/lab";
import { relay } from "../../scripts/lab/scenarios/relay";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { configOf, push, PUSH_WORLD, requestFor } from "./support/pushing";
import { canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";

const MTU = "cat /sys/class/net/wg0/mtu";
const BY_HAND = "sh /var/lib/wireguard-mesh/wg0/host.sh rollback wg0";

describe("a rollback", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  before(async () => {
    mesh = await meshLab(relay, "test-rollback");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    setConfig(mesh.stack, ["peers", "laptop", "mtu"], 1300);
    setConfig(mesh.stack, ["peers", "phone"], {
      address: "10.0.0.9",
      publicKey: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
    });
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  const works = () => canPingSoon(mesh.lab, "laptop", "10.0.0.2");

  it("lists the states that the host keeps, with what each would change", async () => {
    const { stdout } = succeeded(await session.command("rollback", "laptop", "--list"));
    assert.match(stdout, /^push 2, .*Z: the present one\npush 1, .*Z:\n {2}~ MTU 1300 -> none\n$/);
  });

  it("brings the state before back, which status shows as drift and repush undoes", async () => {
    const done = succeeded(await session.command("rollback", "laptop"));
    assert.match(done.stdout, /^rolled back: laptop, to push 1 of .*\n {2}~ MTU 1300 -> none\n/);
    assert.match(done.stdout, /npx wireguard-mesh repush laptop\n/);
    assert.equal(await session.on("laptop", MTU), "1420");
    assert.equal(await works(), true);

    const status = await session.command("status", "laptop");
    assert.equal(status.code, 1);
    assert.match(status.stdout, /laptop differs from the plan:\n.*MTU/);
    const again = succeeded(await session.command("repush", "laptop"));
    assert.match(again.stdout, /^fixed: laptop .*it had been set back to an older config\n$/);
    assert.equal(await session.on("laptop", MTU), "1300");
    succeeded(await session.command("status", "laptop"));
  });

  it("works on the host by hand, without a network, and survives there as the config of the next boot", async () => {
    const before = await session.on("laptop", "cat /etc/wireguard/wg0.conf");
    const device = await session.on(
      "laptop",
      "ip -o route show default | sed 's/.* dev //; s/ .*//'",
    );
    await session.on("laptop", `ip link set ${device} down`);
    const output = await session.on("laptop", BY_HAND);
    await session.on(
      "laptop",
      `ip link set ${device} up; ip route replace default via 192.168.12.1`,
    );
    assert.match(output, /^wg0 is as push 1 had left it; .* npx wireguard-mesh repush laptop$/);
    assert.equal(await session.on("laptop", MTU), "1420");
    const after = await session.on("laptop", "cat /etc/wireguard/wg0.conf");
    assert.equal(after, before.replace("MTU = 1300\n", ""));
    assert.equal(await works(), true);
    assert.match(
      (await session.command("status", "laptop")).stdout,
      /laptop differs from the plan/,
    );
    succeeded(await session.command("repush", "laptop"));
    assert.equal(await session.on("laptop", MTU), "1300");
  });

  it("does not bring back a peer that was removed from the network", async () => {
    const phone = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    assert.ok((await session.on("relay", "wg show wg0 peers")).includes(phone));
    deleteConfig(mesh.stack, ["peers", "phone"]);
    succeeded(await session.pulumi(...UP));
    const done = succeeded(await session.command("rollback", "relay"));
    assert.match(done.stdout, /^Left out, because they are no longer in the network: phone$/m);
    assert.ok(!(await session.on("relay", "wg show wg0 peers")).includes(phone));
    assert.equal(await works(), true);
    succeeded(await session.command("repush", "relay"));
  });

  it("is undone if it cuts the way in", async () => {
    // A state that leads the operator's network into the tunnel was confirmed through the relay.
    const direct = `root@${mesh.lab.managementAddress("laptop")}`;
    setConfig(mesh.stack, ["peers", "laptop", "host"], "root@via:relay");
    setConfig(mesh.stack, ["relays", "relay", "subnets"], ["172.29.0.0/29"]);
    succeeded(await session.pulumi(...UP));
    deleteConfig(mesh.stack, ["relays", "relay", "subnets"]);
    succeeded(await session.pulumi(...UP));
    setConfig(mesh.stack, ["peers", "laptop", "host"], direct);
    succeeded(await session.pulumi(...UP));
    const before = await session.on(
      "laptop",
      "cat /etc/wireguard/wg0.conf; wg show wg0 allowed-ips",
    );
    const { stdout } = await session.command("rollback", "laptop", "--list");
    const cutting = /^push (\d+), .*\n {2}~ peer relay: allowed IPs \+172\.29\.0\.0\/29$/m;
    const [, push = ""] = cutting.exec(stdout) ?? [];
    const cut = await session.command("rollback", "laptop", "--to", push);
    assert.equal(cut.code, 1, stdout + cut.stdout);
    assert.match(cut.stdout, /laptop: the new config cut the way in, so the host went back/);
    const after = await session.on(
      "laptop",
      "cat /etc/wireguard/wg0.conf; wg show wg0 allowed-ips",
    );
    assert.equal(after, before);
    assert.equal(await works(), true);
  });

  it("is refused while a key is being rotated, by name", async () => {
    setConfig(mesh.stack, ["relays", "relay", "nextPublicKey"], NEXT);
    const done = await session.command("rollback", "laptop");
    assert.equal(done.code, 1);
    assert.match(done.stderr, /the key of relay is being rotated/);
    deleteConfig(mesh.stack, ["relays", "relay", "nextPublicKey"]);
  });

  it("leaks no secret", () => session.leaks.end());
});

const NEXT = "gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA=";

describe("the states that a host keeps", function () {
  this.timeout(300_000);
  let lab: Lab;
  let leaks: LeakWatch;
  before(async () => {
    lab = await Lab.up(PUSH_WORLD, { id: "test-generations" });
    leaks = await LeakWatch.forPushes(lab);
  });
  after(() => lab.down());

  const request = (mtu: number) =>
    requestFor(lab, "relay", { config: configOf("relay", "10.0.0.1/24", [`MTU = ${mtu}`]) });
  const pushed = async (mtu: number) => {
    const done = await push(lab, "apply", request(mtu));
    assert.equal(done.code, 0, done.stderr);
  };
  const on = async (script: string) =>
    (await lab.exec("relay", ["sh", "-c", script])).stdout.trim();
  const kept = () => on("cd /var/lib/wireguard-mesh/wg0/generations && echo * && stat -c %a *");

  it("are the last five, in files for root only", async () => {
    for (const mtu of [1301, 1302, 1303, 1304, 1305, 1306]) await pushed(mtu);
    assert.equal(await kept(), ["2 3 4 5 6", ...Array<string>(5).fill("600")].join("\n"));
  });

  it("count once when one is pushed again", async () => {
    await on("ip link set wg0 mtu 1400");
    await pushed(1306);
    assert.match(await kept(), /^2 3 4 5 7\n/);
  });

  it("are what a rollback by hand chooses from, and a number that is not there is refused", async () => {
    const refused = await lab.exec("relay", ["sh", "-c", `${BY_HAND} 99`]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^error: no state 99 of wg0 is kept\nremedy: see: ls -lt /);
    assert.match(await on(`${BY_HAND} 3`), /^wg0 is as push 3 had left it/);
    assert.equal(await on(MTU), "1303");
    // A push gets a number of its own, and the state that was chosen counts as new.
    await pushed(1307);
    assert.match(await kept(), /^3 4 5 7 8\n/);
  });

  it("do not have a private key that was replaced", async () => {
    const [first] = request(1308).config.split("\nAddress");
    const other = configOf("desktop", "10.0.0.1/24", ["MTU = 1308"]);
    const done = await push(lab, "apply", requestFor(lab, "relay", { config: other }));
    assert.equal(done.code, 0, done.stderr);
    assert.match(await kept(), /^9\n/);
    const key = first?.split(" = ").at(-1) ?? "";
    const grep = ["grep", "-rlF", "-f", "-", "/var/lib/wireguard-mesh", "/etc/wireguard"];
    assert.equal((await lab.exec("relay", grep, { input: key })).stdout, "");
  });

  it("leak no secret", () => leaks.end());
});
