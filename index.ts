/** The Pulumi program: reads the config, computes the plan, registers the Network, returns the outputs. */
import * as pulumi from "@pulumi/pulumi";
import { Network } from "./components/network";
import { reportIssues } from "./components/report-issues";
import { keyringOf, readStackConfig } from "./components/stack-config";
import { readMesh } from "./mesh/mesh";

/** Runs the program; the outputs are one object, because the engine warns about named exports without a value. */
export = () => {
  const config = readStackConfig();
  const plan = reportIssues(readMesh(config, Date.now()));

  const network = new Network("network", {
    plan,
    keyring: keyringOf(config),
    delivered: config["delivered"],
    owner: `${pulumi.getProject()}/${pulumi.getStack()}`,
  });

  return {
    /** Facts by name: addresses, public keys, endpoints. */
    relays: network.relays,
    peers: network.peers,
    /** By name: nodes with a rotation in progress, and nodes that need a config delivered. */
    pending: network.pending,
    outdated: network.outdated,
    /** Which nodes reach which, by group. */
    reachability: network.reachability,
    /** A picture of the network as Mermaid text; absent for a large network. */
    ...(network.graph === undefined ? {} : { graph: network.graph }),
    /** Public key of the SSH authority that signs the host keys of ec2 relays; absent without one. */
    ...(network.sshAuthority === undefined ? {} : { sshAuthority: network.sshAuthority }),
    /** Config files of nodes without a host; `wireguard-mesh config NODE` and `qr NODE` read them. Secret. */
    configs: network.configs,
  };
};
