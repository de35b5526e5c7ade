/** Settings of a wg-quick(8) file that the files of wireguard-mesh cannot contain. */
import { hookEffects } from "./hooks";

const HOOK = /^(PreUp|PostUp|PreDown|PostDown)$/i;

/** Reports whether dropping this setting of the [Interface] section would change something. */
export function isLost(setting: string, value: string): boolean {
  if (value === "") return false;
  if (HOOK.test(setting)) return hookEffects(value).includes("other");
  if (/^SaveConfig$/i.test(setting)) return value !== "false";
  if (/^Table$/i.test(setting)) return value !== "auto";
  return /^FwMark$/i.test(setting) && !/^(off|0|0x0)$/i.test(value);
}

/** The message and the remedy for a setting that would be lost. `name` is the interface's, if known. */
export function lossIssue(setting: string, name: string | null): [message: string, remedy: string] {
  switch (setting.toLowerCase()) {
    case "saveconfig":
      return [
        "SaveConfig lets wg-quick overwrite the file, and is not kept",
        "save the running state once (wg-quick save), then set SaveConfig = false in the file",
      ];
    case "table":
      return [
        "Table is not kept: routes go into the main table",
        "remove it if the network works without; else this node cannot be imported",
      ];
    case "fwmark":
      return [
        "FwMark is not kept",
        "remove it if the network works without; else this node cannot be imported",
      ];
    default:
      return [
        `${setting} runs commands that a push does not know, and is not kept`,
        `remove it, and run the commands by a unit of your own (After=wg-quick@${name ?? "INTERFACE"}.service)`,
      ];
  }
}

export function isHook(setting: string): boolean {
  return HOOK.test(setting);
}
