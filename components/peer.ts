/** A peer: a desktop, a server, a gateway to a LAN, a laptop or a phone. */
import type * as pulumi from "@pulumi/pulumi";
import { MeshNode, type NodeArgs } from "./node";

export class Peer extends MeshNode {
  constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("wireguard-mesh:index:Peer", name, args, opts);
  }
}
