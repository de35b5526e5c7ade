/** A peer with a host: a desktop, a server, a gateway to a LAN or a laptop. The others are in Devices. */
import type * as pulumi from "@pulumi/pulumi";
import { MeshNode, type NodeArgs } from "./node";

export class Peer extends MeshNode {
  constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("wireguard-mesh:index:Peer", name, args, opts);
  }
}
