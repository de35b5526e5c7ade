/**
 * The state of the network as metrics of Prometheus, in its text format. Those of the tunnels have the names and labels of
 * prometheus_wireguard_exporter (github.com/MindFlavor), so that its dashboards and alerts go on to work.
 */
import { expirySeconds } from "../../../mesh/config/activity";
import type { Observation } from "../../../mesh/host/observation";
import type { WireGuardPeer } from "../../../mesh/host/wireguard-state";
import { namesByKey } from "../../../mesh/plan/rotation";
import type { HostAnswers } from "../../stack/query-hosts";
import { driftOf } from "../../stack/drift";
import { linkStates } from "../../stack/link-states";
import type { Planned } from "../../stack/planned-state";
import { runningPeers, secondPeers } from "../../../mesh/host/running-peers";

export interface Family {
  name: string;
  help: string;
  type: "counter" | "gauge";
  samples: Sample[];
}

interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** `now`: this machine's clock, in seconds since 1970. A host that was not reached has no metrics of tunnels. */
export function familiesOf(planned: Planned, answers: HostAnswers, now: number): Family[] {
  const { nodes } = planned.plan;
  const tunnels = nodes.flatMap(({ name }) => {
    const answer = answers.get(name);
    return answer?.reachable === true ? tunnelsOf(name, answer.observed, planned) : [];
  });
  const queried = nodes.flatMap((node) => {
    const answer = answers.get(node.name);
    return answer === undefined ? [] : [{ node, answer }];
  });
  const of = (value: (peer: WireGuardPeer) => number): Sample[] =>
    tunnels.map(({ labels, peer }) => ({ labels, value: value(peer) }));
  return [
    counter(
      "wireguard_sent_bytes_total",
      "Bytes sent to the peer",
      of(({ sentBytes }) => sentBytes),
    ),
    counter(
      "wireguard_received_bytes_total",
      "Bytes received from the peer",
      of(({ receivedBytes }) => receivedBytes),
    ),
    gauge(
      "wireguard_latest_handshake_seconds",
      "UNIX timestamp of the latest handshake, by the host's clock; 0: none",
      of(({ latestHandshake }) => latestHandshake),
    ),
    gauge(
      "wireguard_mesh_node_reached",
      "Whether the host could be asked",
      queried.map(({ node, answer }) => sample({ node: node.name }, Number(answer.reachable))),
    ),
    gauge(
      "wireguard_mesh_node_differences",
      "In how many points the host differs from the plan",
      queried.flatMap(({ node, answer }) =>
        answer.reachable
          ? [sample({ node: node.name }, driftOf(node, planned, answer.observed).length)]
          : [],
      ),
    ),
    gauge(
      "wireguard_mesh_node_expires_seconds",
      "UNIX timestamp at which hosts refuse the node",
      nodes.flatMap(({ name, expires }) =>
        expires === undefined ? [] : [sample({ node: name }, expirySeconds(expires))],
      ),
    ),
    gauge(
      "wireguard_mesh_link_dead",
      "Whether a link is dead: both ends are pushed to, and it should have had a handshake within 180 s; absent where no end could be queried",
      linkStates(planned.plan, answers)
        .filter(({ state }) => state !== "unknown")
        .map(({ a, b, state }) => sample({ a, b }, Number(state === "dead"))),
    ),
    gauge("wireguard_mesh_last_look_seconds", "UNIX timestamp of these metrics", [
      sample({}, Math.floor(now)),
    ]),
  ];
}

/** `node`: the host that reports the counters; `friendly_name`: its peer. */
function tunnelsOf(name: string, observed: Observation, { plan }: Planned) {
  const first = plan.network.interface;
  const names = namesByKey(plan.nodes);
  const all = [
    ...runningPeers(observed, first).map((peer) => [first, peer] as const),
    ...secondPeers(observed).map((peer) => [observed.records.second ?? first, peer] as const),
  ];
  return all.map(([device, peer]) => {
    const friendly = names.get(peer.publicKey);
    const labels = {
      node: name,
      interface: device,
      public_key: peer.publicKey,
      allowed_ips: peer.allowedIps.join(","),
      ...(friendly === undefined ? {} : { friendly_name: friendly }),
    };
    return { labels, peer };
  });
}

function counter(name: string, help: string, samples: Sample[]): Family {
  return { name, help, type: "counter", samples };
}

function gauge(name: string, help: string, samples: Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

function sample(labels: Record<string, string>, value: number): Sample {
  return { labels, value };
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4; families without samples are left out. */
export function expositionText(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}\n`,
      `# TYPE ${name} ${type}\n`,
      ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}\n`),
    ])
    .join("");
}

function labelsText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
