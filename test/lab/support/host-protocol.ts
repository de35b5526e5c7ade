/** The push protocol with a host of the lab, as root and without SSH: each method is one login. */
import * as assert from "node:assert/strict";
import { confirmedLines, type Confirmed } from "../../../mesh/host/confirmed";
import { decide, type Decision } from "../../../mesh/host/decide";
import type { Difference } from "../../../mesh/host/difference";
import { differences } from "../../../mesh/host/differences";
import { formatDifference } from "../../../mesh/host/format-difference";
import type { Observation } from "../../../mesh/host/observation";
import type { PushRequest } from "../../../mesh/push-request";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { newToken } from "../../../scripts/push/conversation";
import { hostScript } from "../../../scripts/push/host-program";
import { wantedState } from "../../../scripts/push/wanted-state";
import { HostDialogue, type HostReply } from "./host-dialogue";
import { recordedOutput, requestFor } from "./pushing";

export { newToken } from "../../../scripts/push/conversation";
export { NEVER, type HostReply } from "./host-dialogue";

export const STATE = "/var/lib/wireguard-mesh/wg0";
export const RUN = "/run/wireguard-mesh/wg0";
export const LIVE = "/etc/wireguard/wg0.conf";
export const DROP_IN = "/etc/sysctl.d/60-wireguard-mesh-wg0.conf";
export const LOCK = "/run/wireguard-mesh.lock/wg0";
/** Exists while a change has been carried out and is not confirmed. */
/** A loop in sh(1) until wireguard-go has ended, which takes a moment after its interface was deleted. */
export const UNTIL_GONE = "while [ -e /run/wireguard/wg0.sock ]; do sleep 0.05; done";
export const APPLIED = `${RUN}/change/applied`;

export interface WantedState {
  config: string;
  /** Seconds until the host undoes the change by itself; default NEVER. */
  timeout?: number;
  /** As in ApplyOptions. */
  sendsDigest?: boolean;
  forwarding?: boolean | PushRequest["forwarding"];
  owner?: string;
  probes?: string[];
  instances?: string[];
  names?: PushRequest["names"];
  /** PushRequest.filter */
  filter?: string;
  followNames?: true;
  /** Replaces the message with the change, to damage it on its way. */
  damage?: (message: string) => string;
  /** Edits the program that the change leaves on the host. */
  program?: (text: string) => string;
}

/** A host; `node` is its name in the lab and in the mesh. */
export class HostSession {
  private readonly dialogue: HostDialogue;
  /** The shell of a login. */
  shell = ["sh", "-s"];

  constructor(
    readonly lab: Lab,
    readonly node: string,
  ) {
    this.dialogue = new HostDialogue(
      node,
      () => lab.spawn(node, this.shell, { stdio: "pipe" }),
      (text) => recordedOutput(lab).push(text),
    );
  }

  /** `since`: the last change that was known when the login was ready; default the last one now. */
  async apply(wanted: WantedState, token = newToken(), since?: string): Promise<HostReply> {
    const { timeout: undoAfterS, sendsDigest, damage, program } = wanted;
    const lastChange = since ?? (await lastChangeOn(this));
    const options = { token, lastChange, undoAfterS, sendsDigest, damage, program };
    return this.dialogue.apply(this.request(wanted), options);
  }

  /** `reply`: the operator's answer to what it sees after the change. */
  confirm(token: string, reply?: "commit" | "undo" | "nothing"): Promise<HostReply> {
    return this.dialogue.confirm("wg0", token, reply);
  }

  async remove(since?: string): Promise<HostReply> {
    const request = this.request({ config: "" });
    return this.dialogue.remove(request, since ?? (await lastChangeOn(this)));
  }

  /** The host's observation. Preshared keys are compared with those of `wanted`, if it is given. */
  observe(wanted?: WantedState): Promise<Observation> {
    return this.dialogue.observe("wg0", wanted === undefined ? null : this.request(wanted));
  }

  /** What a push would do now. */
  async plan(wanted: WantedState): Promise<Decision> {
    const request = this.request(wanted);
    const options = { token: newToken(), hostScript: hostScript() };
    return decide(await this.observe(wanted), wantedState(request), options);
  }

  /** The host's differences, as `status` prints them. */
  async differences(wanted: WantedState): Promise<string[]> {
    const request = this.request(wanted);
    const found = differences(await this.observe(wanted), wantedState(request));
    const all: Difference[] = [...found.live, ...found.boot];
    return all.map((difference) => formatDifference(difference, new Map(), "wg0"));
  }

  /** The host's record of the last confirmed state. */
  async record(): Promise<Confirmed> {
    const { confirmed, confirmedFile } = (await this.observe()).records;
    assert.ok(confirmed && confirmedFile, "there is no record of this version");
    const own = /^(serial|token|file) /;
    const lines = confirmedFile.filter((line) => !own.test(line));
    assert.deepEqual(lines, confirmedLines(confirmed), "the record has more than is read");
    return confirmed;
  }

  request(wanted: WantedState): PushRequest {
    const { config, forwarding = false, probes = [], owner, instances } = wanted;
    const { filter, names, followNames } = wanted;
    const families = { ipv4: forwarding === true, ipv6: false };
    return requestFor(this.lab, this.node, {
      ...{ config, probes },
      forwarding: typeof forwarding === "object" ? forwarding : families,
      ...(owner === undefined ? {} : { owner }),
      ...(instances === undefined ? {} : { instances }),
      ...(names === undefined ? {} : { names }),
      ...(filter === undefined ? {} : { filter }),
      ...(followNames === undefined ? {} : { followNames }),
    });
  }

  /** Applies and confirms a state and asserts success. */
  async converge(wanted: WantedState): Promise<"unchanged" | "confirmed"> {
    const { outcome, token, complaint, stderr } = await this.apply(wanted);
    if (outcome === "unchanged") return outcome;
    assert.equal(outcome, "pending", complaint + stderr);
    const confirmed = await this.confirm(token);
    assert.equal(confirmed.outcome, "confirmed", confirmed.complaint + confirmed.stderr);
    return "confirmed";
  }

  /** Runs a script and asserts success. @returns its stdout without trailing newlines */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.lab.exec(this.node, ["sh", "-c", script]);
    assert.equal(code, 0, `${script}: ${stderr}`);
    return stdout.trimEnd();
  }

  /** Waits until a shell command succeeds on the host. */
  async waitUntil(condition: string, limitMs = 60_000): Promise<void> {
    const holds = async (): Promise<true | undefined> =>
      (await this.lab.exec(this.node, ["sh", "-c", condition])).code === 0 ? true : undefined;
    assert.equal(await poll(holds, { limitMs, pauseMs: 100 }), true, `never: ${condition}`);
  }

  /** Waits until the host has undone a change by itself. */
  waitUntilUndone(token: string): Promise<void> {
    return this.waitUntil(`[ "$(cat ${RUN}/rolled-back)" = ${token} ]`);
  }

  /** All that a push changes or restores, without what a new interface or a packet changes. */
  async snapshot(): Promise<string> {
    const [plain, sorted] = await Promise.all([
      this.run(
        `stat -c '%a %u' ${LIVE}; cat ${LIVE} ${DROP_IN} /proc/sys/net/ipv4/ip_forward ${RUN}/pending 2>/dev/null; ` +
          "ip -o addr show dev wg0 scope global; ip -o link show dev wg0; ip route show dev wg0; ip -6 route show dev wg0 | grep -v ^fe80 || true",
      ),
      // wireguard-go lists its peers in any order.
      this.run("wg show wg0 dump | cut -f 1-4,8-9 | sort"),
    ]);
    return `${plain}\n${sorted}`.replace(/^\d+: | +$/gm, "");
  }
}

/** The last change on a host, as a login finds it. */
export async function lastChangeOn(session: HostSession): Promise<string> {
  return (await session.run(`head -n 1 ${LOCK} 2>/dev/null || true`)) || "-";
}
