/** What a relay and a peer have in common: a config to review, and a push or a hand-over that delivers it. */
import * as pulumi from "@pulumi/pulumi";
import { HostPush, type HostPushArgs } from "./host-push";

export interface NodeArgs {
  /** The node's wg-quick file with every secret as `(hidden)`: what a preview shows, line by line. */
  config: string;
  /** The same of a relay's second interface, while its key changes. */
  alternate?: string;
  /** `IPv4`, `IPv4 and IPv6` or `none`: whether the host passes packets on. */
  forwarding: string;
  /** The file with its secrets, for a node that is not pushed to. */
  file?: pulumi.Input<string>;
  /** What to push, for a node with a host. */
  push?: HostPushArgs;
}

/** Base of Relay and Peer. The args that a reviewer should see are its recorded inputs. */
export abstract class MeshNode extends pulumi.ComponentResource {
  /** Null for a node whose config is handed over. */
  readonly push: HostPush | null;
  /** The file to hand over, secret; null for a node that is pushed to. */
  readonly file: pulumi.Output<string> | null;

  protected constructor(
    type: string,
    name: string,
    args: NodeArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { config, alternate, forwarding } = args;
    const second = alternate === undefined ? {} : { alternate };
    super(type, name, { config, ...second, forwarding }, opts);
    this.push =
      args.push === undefined ? null : new HostPush(`${name}-push`, args.push, { parent: this });
    this.file = args.file === undefined ? null : pulumi.secret(args.file);
    this.registerOutputs({});
  }
}
