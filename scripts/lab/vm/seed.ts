/** The NoCloud seed for cloud-init: a folder that QEMU presents to the machine as a disk. */
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { cardAddress, subnetGateway } from "./subnet";

export interface Seed {
  name: string;
  /** cloud-init repeats its first boot when this changes. */
  instanceId: string;
  /** `#cloud-config` or a script. */
  userData: string;
  /** IP/PREFIX. */
  privateAddress: string;
}

export function writeSeed(folder: string, seed: Seed): void {
  fs.mkdirSync(folder, { mode: 0o700 });
  const write = (name: string, text: string): void => {
    fs.writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  };
  write("user-data", seed.userData);
  write("meta-data", stringify({ "instance-id": seed.instanceId, "local-hostname": seed.name }));
  write("network-config", stringify(networkConfig(seed)));
}

/** Sets the address statically, where EC2 uses DHCP; the interface is called ens5 on both. */
function networkConfig(seed: Seed): object {
  const gateway = subnetGateway(seed.privateAddress);
  return {
    version: 2,
    ethernets: {
      ens5: {
        match: { macaddress: cardAddress(seed.name) },
        "set-name": "ens5",
        addresses: [seed.privateAddress],
        routes: [{ to: "0.0.0.0/0", via: gateway }],
      },
    },
  };
}
