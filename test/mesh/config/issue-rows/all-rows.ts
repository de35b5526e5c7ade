/** All tables of issues. */
import { addressRows } from "./address-rows";
import { diallingRows } from "./dialling-rows";
import { domainRows } from "./domain-rows";
import { ec2Rows } from "./ec2-rows";
import { exitRows } from "./exit-rows";
import { hostRows } from "./host-rows";
import { mappedLanRows } from "./mapped-lan-rows";
import { planRows } from "./plan-rows";
import { policyRows } from "./policy-rows";
import { presharedKeyRows } from "./preshared-key-rows";
import { rangeRows } from "./range-rows";
import type { Row } from "./row";
import { rotationRows } from "./rotation-rows";
import { secretRows } from "./secret-rows";
import { shapeRows } from "./shape-rows";
import { valueRows } from "./value-rows";

export const tables: Record<string, Row[]> = {
  "single values": valueRows,
  "shape and names": shapeRows,
  "addresses, LANs and public keys": addressRows,
  "ranges of relays' peers": rangeRows,
  "LANs with another prefix": mappedLanRows,
  dialling: diallingRows,
  "exits and address translation": exitRows,
  hosts: hostRows,
  "the domain of names": domainRows,
  "ec2 relays": ec2Rows,
  "public keys and rotation": rotationRows,
  secrets: secretRows,
  "preshared keys of links": presharedKeyRows,
  policy: policyRows,
  "reachability and expectations": planRows,
};
