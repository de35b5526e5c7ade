/**
 * The last confirmed states of a host, which it stores for a rollback: the push requests without the private key, which the host
 * fills in, and without the SSH ways.
 */
import { ON_THIS_HOST, type PushRequest } from "../push-request";
import { Secret } from "../secret";
import { splitAt } from "./lines";

const NOT_STORED = [
  "node",
  "targets",
  "sshPrivateKey",
  "owner",
  "machine",
  "rivals",
  "otherJumps",
  "identity",
  "rotation",
  "serial",
  "generation",
] as const satisfies (keyof PushRequest)[];

export type StoredRequest = Omit<PushRequest, (typeof NOT_STORED)[number]>;

export interface Generation {
  /** By the host's clock, in seconds since 1970; null: unknown. */
  at: number | null;
  /** A StoredRequest as JSON text, with preshared keys. */
  request: Secret;
}

/** A StoredRequest as JSON text. */
export function storedRequest(request: PushRequest, publicKey: string): Secret {
  const isStored = ([name]: [string, unknown]) => !NOT_STORED.some((it) => it === name);
  const config = request.config.replace(
    /^PrivateKey = .*$/m,
    `PrivateKey = ${ON_THIS_HOST} ${publicKey}`,
  );
  const stored = Object.fromEntries(Object.entries({ ...request, config }).filter(isStored));
  return Secret.of(JSON.stringify(stored));
}

/** The stored request. It is used for this host only, because the host's root can change it. */
export function readStored({ request }: Generation): StoredRequest {
  return JSON.parse(request.reveal()) as StoredRequest;
}

/** JSON errors quote the text, which has secrets. */
function isReadable(request: Secret): boolean {
  try {
    return typeof readStored({ at: null, request }).config === "string";
  } catch {
    return false;
  }
}

/** By serial, from lines `/…/generations/SERIAL:/…/.request.wireguard-mesh:AT JSON`. Damaged ones are skipped. */
export function parseGenerations(lines: readonly string[]): Map<number, Generation> {
  return new Map(
    lines.flatMap((line) => {
      const [path, rest] = splitAt(line, ":");
      const [, serial] = /\/generations\/(\d{1,10})$/.exec(path) ?? [];
      const [at, text] = splitAt(splitAt(rest, ":")[1], " ");
      const request = Secret.of(text);
      if (serial === undefined || !isReadable(request)) return [];
      return [[Number(serial), { at: Number(at) || null, request }] as const];
    }),
  );
}
