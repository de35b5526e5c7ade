/** What relays and peers have in common: a redacted config for the preview, and a push or a file to deliver. */
import * as pulumi from "@pulumi/pulumi";
import { pushToHost, type HostPushArgs } from "./host-push";

export interface NodeArgs {
  /** The node's wg-quick file with every secret as `(hidden)`; a preview shows its line diff. */
  config: string;
  /** The redacted file of a relay's second interface, if it has one. */
  alternate?: string;
  /** `IPv4`, `IPv6`, `IPv4 and IPv6` or `none`: what the host forwards. */
  forwarding: string;
  /** The nftables table of the host, if it has one. */
  filter?: string;
  /** The file with its secrets, only for a node without a host. To be made a secret by who hands it on. */
  file?: pulumi.Input<string>;
  /** Only for a node with a host. */
  push?: HostPushArgs;
}

/** Base of Relay and Peer. Its recorded inputs are the args without secrets, so that a preview shows them. */
export abstract class MeshNode extends pulumi.ComponentResource {
  /** Null for a node without a host. */
  readonly push: pulumi.Resource | null;
  /** The file to deliver, as in the args; null for a node with a host. */
  readonly file: pulumi.Input<string> | null;

  protected constructor(
    type: string,
    name: string,
    args: NodeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { config, alternate, forwarding, filter } = args;
    const second = alternate === undefined ? {} : { alternate };
    const table = filter === undefined ? {} : { filter };
    super(type, name, { config, ...second, forwarding, ...table }, opts);
    this.push = args.push === undefined ? null : pushToHost(name, args.push, this);
    this.file = args.file ?? null;
    this.registerOutputs({});
  }
}
