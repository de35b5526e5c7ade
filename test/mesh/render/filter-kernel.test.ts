/** The rendered table of a relay in a real kernel: which packets pass, and what happens to open connections. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { renderFilter } from "../../../mesh/render/filter";
import { nodeIn, planOf } from "../../support/plan-of";
import { programs } from "../../support/programs";
import { changed, hostKey } from "../../support/small-network";

const TRAFFIC = path.join(__dirname, "../../support/traffic.mjs");
const PORTS = ["tcp/443", "udp/53", "tcp/8000-8100"];

/** `[from, protocol, port, to]` and whether it is answered. */
const attempts: [from: string, protocol: string, port: number, to: string, answered: boolean][] = [
  ["laptop", "tcp", 443, "desktop", true],
  ["laptop", "tcp", 8000, "desktop", true],
  ["laptop", "tcp", 8050, "desktop", true],
  ["laptop", "tcp", 8100, "desktop", true],
  ["laptop", "udp", 53, "desktop", true],
  ["laptop", "tcp", 22, "desktop", false],
  ["laptop", "tcp", 8101, "desktop", false],
  ["laptop", "udp", 443, "desktop", false],
  ["laptop", "tcp", 22, "tokyo", false],
  ["desktop", "tcp", 443, "laptop", false],
  ["desktop", "udp", 53, "laptop", false],
  ["tokyo", "tcp", 443, "desktop", false],
  ["tokyo", "tcp", 80, "laptop", true],
];

const BYTES: Record<string, number> = { tokyo: 1, desktop: 2, laptop: 3 };

describe("a relay's nftables table in a kernel", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "filter-"));
    writeFileSync(path.join(folder, "some.nft"), table(PORTS));
    const fewer = `delete table inet wireguard-mesh-wg0\n${table(PORTS.slice(1))}`;
    writeFileSync(path.join(folder, "fewer.nft"), fewer);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const family of [4, 6] as const) {
    it(`lets pass what the policy allows, and open connections as long as it allows them, over IPv${family}`, function () {
      for (const program of ["nft", "ip", "unshare"]) programs.require(this, program);
      programs.requireRoot(this);
      this.timeout(60_000);
      const address = (name: string) =>
        family === 4 ? `10.86.0.${BYTES[name]}` : `fd5c:10::${BYTES[name]}`;
      const from = ["laptop", "desktop", "tokyo"];
      const tries = from.map((name) => {
        const own = attempts.filter(([starter]) => starter === name);
        const cases = own.map(([, protocol, port, to]) => [protocol, address(to), port]);
        return `run ${name} try '${JSON.stringify(cases)}' >/run/${name}.tried & pids="$pids $!"`;
      });
      const replace = `ip netns exec tokyo nft -f ${folder}/fewer.nft`;
      const keep = `run laptop keep ${address("desktop")} '[443,8050]' '${replace}'`;
      const wait = `wait $pids; cat ${from.map((name) => `/run/${name}.tried`).join(" ")}`;
      const results = inNetwork(`${folder}/some.nft`, ["pids=", ...tries, wait, keep]);
      const expected = from.map((name) =>
        attempts.filter(([starter]) => starter === name).map(([, , , , answered]) => answered),
      );
      assert.deepEqual(results, [
        ...expected,
        [
          [true, true],
          [false, true],
        ],
      ]);
    });
  }
});

function table(ports: string[]): string {
  const plan = planOf(
    changed({
      network: { cidr6: "fd5c:10::/64" },
      relays: { tokyo: { host: "root@203.0.113.10", hostKey, address6: "fd5c:10::1" } },
      peers: { desktop: { address6: "fd5c:10::2" }, laptop: { address6: "fd5c:10::3" } },
      policy: [
        { from: ["laptop"], to: ["desktop"], ports },
        { from: ["tokyo"], to: ["laptop"], ports: ["tcp/80"] },
      ],
    }),
  );
  return renderFilter(nodeIn(plan, "tokyo"), plan.network) ?? "";
}

/**
 * The output lines of the commands, each JSON, in a network of three namespaces. Their `wg0` are Ethernet devices at one
 * switch, with fixed neighbours because WireGuard has no neighbour discovery, and all traffic goes through tokyo.
 */
function inNetwork(ruleset: string, commands: string[]): unknown[] {
  const script = `set -eu
    mount -t tmpfs none /run && mkdir /run/netns
    run() { name=$1; shift; ip netns exec "$name" "${process.execPath}" "${TRAFFIC}" "$@"; }
    for name in switch tokyo desktop laptop; do ip netns add $name; ip -n $name link set lo up; done
    ip -n switch link add br0 up type bridge
    port() {
      ip link add wg0 netns $1 address 02:00:00:00:00:0$2 type veth peer name $1 netns switch
      ip -n switch link set $1 master br0 up
      ip -n $1 link set wg0 up
      ip -n $1 addr add 10.86.0.$2/32 dev wg0
      ip -n $1 addr add fd5c:10::$2/128 dev wg0 nodad
    }
    port tokyo 1; port desktop 2; port laptop 3
    ip netns exec tokyo sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \\
      net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.wg0.send_redirects=0
    for two in desktop=2 laptop=3; do
      name=\${two%=*}; byte=\${two#*=}
      ip -n tokyo route add 10.86.0.$byte dev wg0
      ip -n tokyo route add fd5c:10::$byte dev wg0
      ip -n tokyo neigh add fd5c:10::$byte lladdr 02:00:00:00:00:0$byte dev wg0
      ip -n $name neigh add fd5c:10::1 lladdr 02:00:00:00:00:01 dev wg0
      ip -n $name route add 10.86.0.1 dev wg0
      ip -n $name route add fd5c:10::1 dev wg0
      ip -n $name route add 10.86.0.0/24 via 10.86.0.1
      ip -n $name route add fd5c:10::/64 via fd5c:10::1
    done
    for name in tokyo desktop laptop; do
      run $name serve >/run/$name &
    done
    until [ "$(cat /run/tokyo /run/desktop /run/laptop | wc -l)" = 3 ]; do sleep 0.1; done
    ip netns exec tokyo nft -f "${ruleset}"
    ${commands.join("\n")}
    exit 0`;
  const options = ["--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script];
  const printed = execFileSync("unshare", options, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 50_000,
  });
  return printed
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}
