/** Records a delivery, and lists the devices that still need their config. */
import { log } from "../log";
import { outdatedDevices, recordDelivery, type DeviceConfig } from "../stack/device-config";
import type { OpenStack } from "../stack/open-stack";
import { outdatedText } from "./report-text";

/** To be called after the config was written for the device's owner. */
export async function markDelivered(stack: OpenStack, device: DeviceConfig): Promise<void> {
  await recordDelivery(stack, device);
  const others = (await outdatedDevices(stack)).filter(({ node }) => node !== device.node.name);
  if (others.length === 0) return;
  log(outdatedText(others, await stack.plan(), "These devices still need a new config:"));
}
