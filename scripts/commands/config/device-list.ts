/** The devices of a network, and which of them have their current config. */
import { NEVER_DELIVERED } from "../../../mesh/render/delivery";
import { showConfig } from "../../cli/report-text";
import { formatTable } from "../../cli/table";
import { outdatedDevices } from "../../stack/device-config";
import type { OpenStack } from "../../stack/open-stack";
import { fingerprintsIn } from "../../stack/outputs";

interface DeviceRow {
  node: string;
  /** `former`: an older one. `none`: no `up` has made one yet. */
  config: "current" | "former" | "not given" | "none";
  /** Why its config is outdated. */
  why: string[];
  /** The command that shows the new config; null if it needs none. */
  command: string | null;
}

export async function deviceList(stack: OpenStack): Promise<DeviceRow[]> {
  const plan = await stack.plan();
  const made = fingerprintsIn(await stack.outputsOrNone());
  const outdated = new Map((await outdatedDevices(stack)).map(({ node, why }) => [node, why]));
  return plan.nodes
    .filter(({ hosts }) => hosts.length === 0)
    .map(({ name: node }) => {
      const why = outdated.get(node);
      if (why === undefined)
        return { node, config: made.has(node) ? "current" : "none", why: [], command: null };
      const isNew = why.includes(NEVER_DELIVERED);
      const command = showConfig(node, plan);
      return isNew
        ? { node, config: "not given", why: [], command }
        : { node, config: "former", why, command };
    });
}

export function deviceListText(devices: readonly DeviceRow[]): string {
  if (devices.length === 0) return "No devices: every node has a host, and `up` pushes its config.";
  const rows = devices.map(({ node, config, why, command }) => [
    node,
    config === "none" ? "none yet: npx wireguard-mesh up" : [config, ...why].join(": "),
    command ?? "",
  ]);
  return formatTable(["DEVICE", "CONFIG", "TO GIVE IT"], rows);
}
