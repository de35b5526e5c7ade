/** Configs of devices (nodes without a host): reads them from the stack's state, and records their delivery. */
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { deliveryOf, needingConfig, type Outdated } from "../../mesh/render/delivery";
import type { Secret } from "../../mesh/secret";
import { Failure, findNode } from "./failure";
import type { OpenStack } from "./open-stack";
import { fingerprintsIn } from "./outputs";
import { configPath } from "./stack-file";
import { setIn } from "./yaml-edit";

export interface DeviceConfig {
  node: NodePlan;
  plan: Plan;
  /** The wg-quick(8) file. */
  file: Secret;
}

/** @throws Failure when the node is pushed to, or was not in the network at the last `up`. */
export async function readDeviceConfig(name: string, stack: OpenStack): Promise<DeviceConfig> {
  if (findNode(name, stack.filePlan().nodes).hosts.length > 0) {
    throw new Failure(
      `${name} has a host: \`up\` pushes its config there, so it is not delivered as a file`,
      `to show it: npx wireguard-mesh plan ${name}`,
    );
  }
  const file = (await stack.configs()).get(name);
  if (file === undefined)
    throw new Failure(`the stack has no config for ${name} yet`, "run: npx wireguard-mesh up");
  const plan = await stack.plan();
  return { node: findNode(name, plan.nodes), plan, file };
}

/**
 * Records in the stack file, which all operators share, that this config was delivered to the device. Call it when the device's
 * owner has the config.
 */
export async function recordDelivery(stack: OpenStack, device: DeviceConfig): Promise<void> {
  const { node, plan, file } = device;
  const { config, knows, file: fingerprint } = deliveryOf(file.reveal(), node, plan);
  const record = { config, knows, file: fingerprint };
  try {
    await stack.edit((text) => ({
      text: setIn(text, configPath(["delivered", node.name]), record),
    }));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, remedy } = error;
    throw new Failure(`the config was written, but not recorded as delivered: ${message}`, remedy);
  }
}

/** The devices that need a new config, by the stack's file and outputs. */
export async function outdatedDevices(stack: OpenStack): Promise<Outdated[]> {
  const { delivered } = stack.config;
  const files = fingerprintsIn(await stack.outputsOrNone());
  return needingConfig(await stack.plan(), delivered, files);
}
