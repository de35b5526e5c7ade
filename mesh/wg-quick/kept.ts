/** Which lines of a wg-quick(8) file have no place in the files that wireguard-mesh writes. */
import { hookEffects } from "./hooks";

const HOOK = /^(PreUp|PostUp|PreDown|PostDown)$/i;

/** Reports whether something would be lost with this setting of the [Interface] section. */
export function isLost(setting: string, value: string): boolean {
  if (value === "") return false;
  if (HOOK.test(setting)) return hookEffects(value).includes("other");
  if (/^SaveConfig$/i.test(setting)) return value !== "false";
  if (/^Table$/i.test(setting)) return value !== "auto";
  return /^FwMark$/i.test(setting) && !/^(off|0|0x0)$/i.test(value);
}

export function isHook(setting: string): boolean {
  return HOOK.test(setting);
}
