/** A virtual machine that gets pushes, a peer in the lab that connects to it, and checks of its state. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { poll } from "../../../scripts/poll";
import { differences } from "../../../mesh/host/differences";
import type { Observation } from "../../../mesh/host/observation";
import type { PushRequest } from "../../../mesh/push-request";
import type { Lab } from "../../../scripts/lab/lab";
import { wantedState } from "../../../scripts/push/wanted-state";
import { configOf, keyPairFor, push, requestFor, startPush } from "../../lab/support/pushing";
import type { LightMachine } from "./light-machines";
import { waitOn } from "./machine-in-lab";
import { MachineSession, MARKS } from "./machine-session";

const ADDRESS = "10.0.0.1";
const PEER_ADDRESS = "10.0.0.2";
const ANSWER_LIMIT_MS = 60_000;
/** For the end of a boot. */
const BOOTED_LIMIT_MS = 300_000;

/** The state that a push applies. */
export interface State {
  mtu: number;
  forwarding: boolean;
  /** Whether there is a second peer, which never connects. */
  extraPeer: boolean;
}

export interface Inspection {
  observed: Observation;
  /** The contents of /etc/wireguard/wg0.conf; "" if it does not exist. */
  live: string;
  failedUnits: string[];
}

export class PushedMachine {
  readonly session: MachineSession;

  constructor(
    private readonly lab: Lab,
    private readonly light: LightMachine,
    /** A host of the lab and its public address. */
    private readonly peer: { name: string; address: string },
  ) {
    this.session = new MachineSession(light.machine);
  }

  get machine(): LightMachine["machine"] {
    return this.light.machine;
  }

  get name(): string {
    return this.machine.name;
  }

  configOf({ mtu, extraPeer }: State): string {
    const peers = [
      `MTU = ${mtu}`,
      ...["", "[Peer]", `PublicKey = ${keyPairFor(this.peer.name).publicKey}`],
      ...[`AllowedIPs = ${PEER_ADDRESS}/32`, `Endpoint = ${this.peer.address}:51820`],
      "PersistentKeepalive = 5",
      ...(extraPeer
        ? [
            "",
            "[Peer]",
            `PublicKey = ${keyPairFor("stranger").publicKey}`,
            "AllowedIPs = 10.0.0.3/32",
          ]
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

  /** Configures the peer by hand. */
  async startPeer(): Promise<void> {
    const config = configOf(this.peer.name, `${PEER_ADDRESS}/24`, [
      ...[
        "",
        "[Peer]",
        `PublicKey = ${keyPairFor(this.name).publicKey}`,
        `AllowedIPs = ${ADDRESS}/32`,
      ],
      ...[`Endpoint = ${this.light.elastic}:51820`, "PersistentKeepalive = 5"],
    ]);
    const script = "umask 077; cat >/etc/wireguard/wg0.conf && wg-quick up wg0";
    const up = await this.lab.exec(this.peer.name, ["sh", "-c", script], { input: config });
    assert.equal(up.code, 0, up.stderr);
  }

  /** Pushes a state and asserts success. */
  async converge(state: State): Promise<void> {
    const done = await push(this.lab, "apply", this.request(state));
    assert.equal(done.code, 0, done.stderr);
  }

  async remove(): Promise<void> {
    await push(this.lab, "remove", this.request(ANY));
    await waitOn(this.machine, "[ ! -e /var/lib/wireguard-mesh ]", 100);
  }

  startPush(state: State): ChildProcess {
    const program = startPush(this.lab, this.request(state));
    program.stdout?.resume();
    program.stderr?.resume();
    return program;
  }

  /** Waits until the boot has finished and reads the machine's state. */
  async inspect(state?: State): Promise<Inspection> {
    const failedUnits = await this.machine.waitForUnits(BOOTED_LIMIT_MS);
    const file = "/etc/wireguard/wg0.conf";
    const read = await this.machine.ssh(`sudo sh -c '[ ! -e ${file} ] || cat ${file}'`);
    assert.equal(read.code, 0, read.stderr);
    const wanted = state && { config: this.configOf(state), forwarding: state.forwarding };
    return {
      observed: await this.session.observe(wanted),
      live: read.stdout,
      failedUnits,
    };
  }

  /** Asserts that the interface matches a state, including its peers; null: that there is no interface. */
  assertRuns(state: State | null, { failedUnits, observed }: Inspection, when: string): void {
    const { pending } = observed;
    assert.deepEqual({ failedUnits, pending }, { failedUnits: [], pending: null }, when);
    const link = observed.network.links.get("wg0");
    const device = observed.devices.get("wg0");
    if (state === null) {
      assert.equal(link, undefined, when);
      return;
    }
    assert.ok(link && device, when);
    const others = [this.peer.name, ...(state.extraPeer ? ["stranger"] : [])];
    assert.deepEqual(
      {
        ...{ up: link.up, mtu: link.mtu, publicKey: device.publicKey },
        ...{ listenPort: device.listenPort, addresses: link.addresses },
        peers: [...device.peers.keys()].sort(),
      },
      {
        ...{ up: true, mtu: state.mtu, publicKey: keyPairFor(this.name).publicKey },
        ...{ listenPort: 51820, addresses: [`${ADDRESS}/24`] },
        peers: others.map((name) => keyPairFor(name).publicKey).sort(),
      },
      when,
    );
  }

  /** Asserts that a state is complete: file, interface, forwarding, start at boot; and that the peer gets a reply. */
  async assertConverged(state: State, when: string): Promise<void> {
    const found = await this.inspect(state);
    this.assertRuns(state, found, when);
    const request = this.request(state);
    const wanted = wantedState(request);
    assert.deepEqual(differences(found.observed, wanted), { live: [], boot: [] }, when);
    assert.equal(found.live, this.configOf(state), when);
    const forwards = found.observed.sysctls.get("net/ipv4/ip_forward") === "1";
    assert.equal(forwards, state.forwarding, when);
    const ping = ["ping", "-n", "-c1", "-W3", ADDRESS];
    const attempt = async (): Promise<true | undefined> =>
      (await this.lab.exec(this.peer.name, ping)).code === 0 ? true : undefined;
    const reply = await poll(attempt, { limitMs: ANSWER_LIMIT_MS, pauseMs: 200 });
    assert.equal(reply, true, `${when}: ${this.peer.name} gets no reply`);
  }
}

const ANY: State = { mtu: 1400, forwarding: false, extraPeer: false };
