/** The whole table of issues. */
import { addressRows } from "./address-rows";
import { diallingRows } from "./dialling-rows";
import { ec2Rows } from "./ec2-rows";
import { hostRows } from "./host-rows";
import { planRows } from "./plan-rows";
import type { Row } from "./row";
import { rotationRows } from "./rotation-rows";
import { secretRows } from "./secret-rows";
import { shapeRows } from "./shape-rows";
import { valueRows } from "./value-rows";

export const tables: Record<string, Row[]> = {
  "single values": valueRows,
  "form and names": shapeRows,
  "addresses, LANs and public keys": addressRows,
  "who can dial whom": diallingRows,
  "ways onto a machine": hostRows,
  "relays on EC2": ec2Rows,
  "keys and their rotation": rotationRows,
  secrets: secretRows,
  "reachability and expectations": planRows,
};
