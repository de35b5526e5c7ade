/**
 * The machine as a peer that sends everything through an exit, in a network with names where a peer expires: what a host must
 * have again after a boot. The exit is a host of the lab, set up by hand; the machine gets a push.
 */
import * as assert from "node:assert/strict";
import { keyringOf } from "../../../components/stack-config";
import { formatTime } from "../../../mesh/config/activity";
import type { PushRequest, PushResult } from "../../../mesh/push-request";
import { renderPushRequest } from "../../../mesh/render/push-request";
import { renderConfig } from "../../../mesh/render/render";
import { Secret } from "../../../mesh/secret";
import type { Lab } from "../../../scripts/lab/lab";
import { push } from "../../lab/support/pushing";
import { newKeyPair } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { ELASTIC, type MachineInLab } from "./machine-in-lab";

const EXIT_HOST = "desktop";
export const EXIT = { inner: "10.87.0.1", outer: "203.0.113.21" };
/** Beside the machine's own network of these tests. */
export const INTERFACE = "wg1";
const MASQUERADE = `table inet exit { chain out { type nat hook postrouting priority srcnat; oifname != ${INTERFACE} masquerade; }; }`;

export class RoutedNetwork {
  private readonly keys = {
    exit: newKeyPair(),
    tokyo: newKeyPair(),
    soon: newKeyPair(),
    later: newKeyPair(),
  };
  private readonly lab: Lab;

  constructor(
    private readonly fixture: MachineInLab,
    /** When the peer `soon` expires, in seconds since 1970. */
    private readonly expires: number,
  ) {
    this.lab = fixture.lab;
  }

  publicKeyOf(peer: "soon" | "later"): string {
    return this.keys[peer].publicKey;
  }

  async startExit(): Promise<void> {
    const { plan, keyring } = this.plan();
    const config = renderConfig(nodeIn(plan, "exit"), plan.network, keyring).reveal();
    const file = `/etc/wireguard/${INTERFACE}.conf`;
    const steps = [
      `umask 077; cat >${file}`,
      `wg-quick up ${INTERFACE}`,
      "echo 1 >/proc/sys/net/ipv4/ip_forward",
      `nft '${MASQUERADE}'`,
    ];
    const argv = ["sh", "-ec", steps.join("\n")];
    const { code, stderr } = await this.lab.exec(EXIT_HOST, argv, { input: config });
    assert.equal(code, 0, stderr);
  }

  /** To the machine. */
  async push(): Promise<PushResult["outcome"]> {
    const done = await push(this.lab, "apply", this.request());
    assert.equal(done.code, 0, done.stderr);
    return (JSON.parse(done.stdout) as PushResult).outcome;
  }

  async remove(): Promise<void> {
    const done = await push(this.lab, "remove", this.request());
    assert.equal(done.code, 0, done.stderr);
  }

  private request(): PushRequest {
    const { plan, keyring } = this.plan();
    const owner = "wireguard-mesh/vm-routed";
    const request = renderPushRequest(nodeIn(plan, "tokyo"), plan, keyring, owner);
    return JSON.parse(request.reveal()) as PushRequest;
  }

  private plan() {
    const { exit, tokyo, soon, later } = this.keys;
    const privateKeys = Object.entries(this.keys).map(([name, { privateKey }]) => [
      name,
      Secret.of(privateKey),
    ]);
    const peer = (at: number, publicKey: string) => ({
      ...{ address: `10.87.0.${at}`, publicKey },
      endpoint: `203.0.113.22:${51840 + at}`,
    });
    const raw = {
      network: {
        ...{ cidr: "10.87.0.0/24", interface: INTERFACE, listenPort: 51830 },
        domain: "mesh.internal",
      },
      relays: {
        exit: {
          ...{ address: EXIT.inner, publicKey: exit.publicKey, exit: true },
          ...{ host: `root@${EXIT.outer}`, hostKey: this.lab.hostKey(EXIT_HOST) },
        },
      },
      peers: {
        tokyo: {
          ...{ address: "10.87.0.2", publicKey: tokyo.publicKey, routeAll: true },
          ...{ host: `admin@${ELASTIC}`, hostKey: this.fixture.hostKey },
        },
        soon: {
          ...peer(3, soon.publicKey),
          expires: formatTime(this.expires),
        },
        later: { ...peer(4, later.publicKey), expires: "2099-01-01T00:00:00Z" },
      },
      privateKeys: Object.fromEntries(privateKeys) as Record<string, Secret>,
    };
    const sshPrivateKey = Secret.of(this.lab.sshPrivateKey());
    return { plan: planOf(raw), keyring: keyringOf({ ...raw, sshPrivateKey }) };
  }
}
