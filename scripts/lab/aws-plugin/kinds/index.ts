/** All resource kinds of the stand-in, by type token. */
import { eip, eipAssociation } from "./address";
import { instance } from "./instance";
import { type, type Kind } from "./kind";
import { internetGateway, route, routeTable, routeTableAssociation, subnet, vpc } from "./network";
import { egressRule, ingressRule, securityGroup } from "./security";

export const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [type.vpc, vpc],
  [type.subnet, subnet],
  [type.internetGateway, internetGateway],
  [type.routeTable, routeTable],
  [type.route, route],
  [type.routeTableAssociation, routeTableAssociation],
  [type.securityGroup, securityGroup],
  [type.ingressRule, ingressRule],
  [type.egressRule, egressRule],
  [type.eip, eip],
  [type.eipAssociation, eipAssociation],
  [type.instance, instance],
]);
