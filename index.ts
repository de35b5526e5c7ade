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

/** Facts by name: tunnel addresses, public keys, endpoints. */
export const relays = network.relays;
export const peers = network.peers;
/** The nodes between two keys, and who needs its config handed over, by name. */
export const pending = network.pending;
export const outdated = network.outdated;
/** Who can reach whom, by groups of nodes that are linked alike. */
export const reachability = network.reachability;
/** The public key of the authority that vouches for the SSH host keys of ec2 relays; absent without such a relay. */
export const sshAuthority = network.sshAuthority;
/** Files for the nodes that are not pushed to; `wireguard-mesh config NODE` and `qr NODE` read them. Secret. */
export const configs = network.configs;
