/** The base component of relays and peers: a redacted config for the preview, and a push if there is a host. */
import * as pulumi from "@pulumi/pulumi";
import { pushToHost, type HostPushArgs } from "./host-push";

export interface PreviewInputs {
  /** The node's wg-quick file with every secret as `(hidden)`; a preview shows its line diff. */
  config: string;
  /** The redacted file of a relay's second interface, if it has one. */
  alternate?: string;
  /** `IPv4`, `IPv6`, `IPv4 and IPv6` or `none`: what the host forwards. */
  forwarding: string;
  /** The nftables table of the host, if it has one. */
  filter?: string;
}

export interface NodeArgs {
  inputs: PreviewInputs;
  /** Only for a node with a host. */
  push?: HostPushArgs;
}

/** Base of Relay and Peer. Its recorded inputs have no secrets, so that a preview shows them. */
export abstract class MeshNode extends pulumi.ComponentResource {
  /** Null for a node without a host. */
  readonly push: pulumi.Resource | null;

  protected constructor(
    type: string,
    name: string,
    { inputs, push }: NodeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, { ...inputs }, opts);
    this.push = push === undefined ? null : pushToHost(name, push, this);
    this.registerOutputs({});
  }
}
