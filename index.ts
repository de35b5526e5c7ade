/** The program: config, plan, one Network, outputs. */
import * as pulumi from "@pulumi/pulumi";
import { Network } from "./components/network";
import { reportIssues } from "./components/report-issues";
import { keyringOf, readStackConfig } from "./components/stack-config";
import { readMesh } from "./mesh/mesh";

const config = readStackConfig();
const plan = reportIssues(readMesh(config, Date.now()));

const network = new Network("network", {
  plan,
  keyring: keyringOf(config),
  delivered: config["delivered"],
  owner: `${pulumi.getProject()}/${pulumi.getStack()}`,
});

/** One object and no named exports: a name that has no value in this network would be a warning of the engine's. */
export = {
  /** Facts by name: tunnel addresses, public keys, endpoints. */
  relays: network.relays,
  peers: network.peers,
  /** The nodes between two keys, and who needs its config handed over, by name. */
  pending: network.pending,
  outdated: network.outdated,
  /** Who can reach whom, by groups of nodes that are linked alike. */
  reachability: network.reachability,
  /** The public key of the authority that vouches for the SSH host keys of ec2 relays; absent without such a relay. */
  ...(network.sshAuthority === undefined ? {} : { sshAuthority: network.sshAuthority }),
  /** Files for the nodes that are not pushed to; `wireguard-mesh config NODE` and `qr NODE` read them. Secret. */
  configs: network.configs,
};
