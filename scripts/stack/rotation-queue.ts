/** `rotateAll` in the config: the nodes that an interrupted `rotate --all` has not rotated yet. */
import type { RawConfig } from "../../mesh/config/read-draft";
import { configPath } from "./stack-file";
import { removeIn, setIn, valueIn } from "./yaml-edit";

const KEY = "rotateAll";
const PATH = configPath([KEY]);

/** Null if no such run was interrupted. */
export function queuedIn(config: RawConfig): string[] | null {
  const names: unknown = config[KEY];
  if (!Array.isArray(names)) return null;
  return names.filter((name): name is string => typeof name === "string");
}

export function withoutQueued(text: string, name: string): string {
  const names = queuedIn({ [KEY]: valueIn(text, PATH) });
  return names?.includes(name) === true
    ? withQueue(
        text,
        names.filter((other) => other !== name),
      )
    : text;
}

export function withQueue(text: string, names: readonly string[]): string {
  return names.length === 0 ? removeIn(text, PATH) : setIn(text, PATH, [...names]);
}
