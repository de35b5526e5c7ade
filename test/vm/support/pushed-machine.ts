/** A virtual machine that is pushed to by the push program, with a peer in the lab that dials it, and what is true on it. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import type { PushRequest } from "../../../mesh/push-request";
import type { Lab } from "../../../scripts/lab/lab";
import { waitFor } from "../../../scripts/lab/process";
import { parseFacts, type Facts } from "../../../scripts/push/facts";
import { composeMessage } from "../../../scripts/push/host-script";
import { configOf, keysOf, push, requestFor, startPush } from "../../lab/support/pushing";
import { progress } from "./ec2-network";
import { MARKS } from "./host-script";
import type { LightMachine } from "./light-machines";

const ADDRESS = "10.0.0.1";
const PEER_ADDRESS = "10.0.0.2";
const ANSWER_LIMIT_MS = 60_000;
/** The whole of a look, a boot's last units included. */
const LOOK_LIMIT_MS = 300_000;

/** What a push is to bring about. */
export interface State {
  mtu: number;
  forwarding: boolean;
  /** One more peer, who never says anything. */
  stranger: boolean;
}

export interface Look extends Facts {
  /** The file in /etc/wireguard, whole; "" where there is none. */
  live: string;
  failedUnits: string[];
}

export class PushedMachine {
  constructor(
    private readonly lab: Lab,
    private readonly light: LightMachine,
    /** A host of the lab, and its address there. */
    private readonly peer: { name: string; address: string },
  ) {}

  get machine(): LightMachine["machine"] {
    return this.light.machine;
  }

  get name(): string {
    return this.machine.name;
  }

  configOf({ mtu, stranger }: State): string {
    const peers = [
      `MTU = ${mtu}`,
      ...["", "[Peer]", `PublicKey = ${keysOf(this.peer.name).publicKey}`],
      ...[`AllowedIPs = ${PEER_ADDRESS}/32`, `Endpoint = ${this.peer.address}:51820`],
      "PersistentKeepalive = 5",
      ...(stranger
        ? ["", "[Peer]", `PublicKey = ${keysOf("stranger").publicKey}`, "AllowedIPs = 10.0.0.3/32"]
        : []),
    ];
    return configOf(this.name, `${ADDRESS}/24`, peers);
  }

  request(state: State): PushRequest {
    const { elastic, hostKey } = this.light;
    const hop = { user: "admin", address: elastic, port: 22, hostKeys: [hostKey], authority: null };
    return requestFor(this.lab, this.name, {
      ...{ targets: [{ kind: "ssh", hop, via: [] }], owner: MARKS.owner, machine: MARKS.machine },
      config: this.configOf(state),
      forwarding: { ipv4: state.forwarding, ipv6: false },
      probes: [PEER_ADDRESS],
    });
  }

  /** Sets the peer up by hand. */
  async startPeer(): Promise<void> {
    const config = configOf(this.peer.name, `${PEER_ADDRESS}/24`, [
      ...["", "[Peer]", `PublicKey = ${keysOf(this.name).publicKey}`, `AllowedIPs = ${ADDRESS}/32`],
      ...[`Endpoint = ${this.light.elastic}:51820`, "PersistentKeepalive = 5"],
    ]);
    const script = "umask 077; cat >/etc/wireguard/wg0.conf && wg-quick up wg0";
    const up = await this.lab.exec(this.peer.name, ["sh", "-c", script], { input: config });
    assert.equal(up.code, 0, up.stderr);
  }

  /**
   * One whole push, which must end well. Tried once more only where its time was up: two emulated machines on a busy
   * one may be slower than a push waits.
   */
  async converge(state: State): Promise<void> {
    let done = await push(this.lab, "apply", this.request(state));
    if (done.code !== 0 && TOO_SLOW.test(done.stderr)) {
      progress(`${this.name}: too slow, so once more: ${done.stderr.trim()}`);
      done = await push(this.lab, "apply", this.request(state));
    }
    assert.equal(done.code, 0, done.stderr);
  }

  async remove(): Promise<void> {
    await push(this.lab, "remove", this.request(ANY));
    const gone = "timeout 100 sh -c 'until [ ! -e /var/lib/wireguard-mesh ]; do sleep 0.2; done'";
    assert.equal((await this.machine.ssh(gone)).code, 0, "it was not cleaned");
  }

  startPush(state: State): ChildProcess {
    const program = startPush(this.lab, this.request(state));
    program.stdout?.resume();
    program.stderr?.resume();
    return program;
  }

  /** When the machine has started everything. */
  async look(): Promise<Look> {
    const message = composeMessage("facts", { ...MARKS, node: this.name });
    const looked = await this.machine.ssh(LOOK, { input: message, timeoutMs: LOOK_LIMIT_MS });
    assert.equal(looked.code, 0, looked.stderr);
    const values = (key: string): string[] =>
      [...looked.stdout.matchAll(new RegExp(`^${key} (.*)$`, "gm"))].map(([, it = ""]) => it);
    return {
      ...parseFacts(looked.stdout),
      live: Buffer.from(values("live")[0] ?? "", "base64").toString(),
      failedUnits: values("failed-unit").map((line) => line.split(" ")[0] ?? ""),
    };
  }

  /** That the interface is what a state's file says, to the last peer; null: that there is none. */
  assertRuns(state: State | null, look: Look, when: string): void {
    const { failedUnits, pending, interface: link, mtu, publicKey, listenPort, addresses } = look;
    const peers = look.peers.map((peer) => peer.publicKey).sort();
    assert.deepEqual({ failedUnits, pending }, { failedUnits: [], pending: null }, when);
    if (state === null) {
      assert.equal(link, "missing", when);
      return;
    }
    const others = [this.peer.name, ...(state.stranger ? ["stranger"] : [])];
    assert.deepEqual(
      { link, mtu, publicKey, listenPort, addresses, peers },
      {
        ...{ link: "up", mtu: state.mtu, publicKey: keysOf(this.name).publicKey },
        ...{ listenPort: 51820, addresses: [`${ADDRESS}/24`] },
        peers: others.map((name) => keysOf(name).publicKey).sort(),
      },
      when,
    );
  }

  /** That nothing of a state is missing: file, interface, forwarding, the next boot; and that the peer gets an answer. */
  async assertConverged(state: State, when: string): Promise<void> {
    const look = await this.look();
    this.assertRuns(state, look, when);
    const { live, runsOtherwise, atBoot, forwarding } = look;
    assert.deepEqual(
      { live, runsOtherwise, atBoot, forwards: forwarding.ipv4 },
      {
        ...{ live: this.configOf(state), runsOtherwise: false, atBoot: true },
        forwards: state.forwarding,
      },
      when,
    );
    const ping = ["ping", "-n", "-c1", "-W3", ADDRESS];
    const answers = async (): Promise<true | undefined> =>
      (await this.lab.exec(this.peer.name, ping)).code === 0 ? true : undefined;
    const answered = await waitFor(answers, ANSWER_LIMIT_MS, 200);
    assert.equal(answered, true, `${when}: ${this.peer.name} gets no answer`);
  }
}

const ANY: State = { mtu: 1400, forwarding: false, stranger: false };
const TOO_SLOW = /timed out|did not come to an end/;
const LOOK = `systemctl is-system-running --wait >/dev/null
systemctl list-units --failed --plain --no-legend | sed 's/^/failed-unit /'
echo "live $(sudo cat /etc/wireguard/wg0.conf 2>/dev/null | base64 -w 0)"
exec sudo -n sh -s`;
