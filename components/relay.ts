/** A relay: a node that others can dial and that forwards their traffic. */
import type * as pulumi from "@pulumi/pulumi";
import { MeshNode, type NodeArgs } from "./node";

export class Relay extends MeshNode {
  constructor(name: string, args: NodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("wireguard-mesh:index:Relay", name, args, opts);
  }
}
