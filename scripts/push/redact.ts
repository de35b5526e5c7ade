/** The last guard between a secret and what people read: host programs quote lines that they do not like. */
import type { PushRequest } from "../../mesh/push-request";

/** Takes the request's secrets and all control characters out of a text; line breaks stay. */
export function redactor(request: PushRequest): (text: string) => string {
  const secrets = [...secretValues(request)].sort((a, b) => b.length - a.length);
  return (text) => {
    const hidden = secrets.reduce((rest, secret) => rest.replaceAll(secret, "(hidden)"), text);
    return hidden.split("\n").map(printable).join("\n");
  };
}

function secretValues(request: PushRequest): Set<string> {
  const configs = [request.config, request.rotation?.alternate?.config ?? ""];
  const keys = configs.flatMap((config) => [
    // A key that the host has got, and we have not, leaves no secret in its line.
    ...config.matchAll(/^\s*(?:PrivateKey|PresharedKey)\s*=\s*([^\s(]\S*)/gim),
  ]);
  const inConfig = keys.map((match) => match[1] ?? "");
  const keyFiles = [request.sshPrivateKey ?? "", request.identity?.authorityKey ?? ""];
  const inKeyFiles = keyFiles.flatMap((text) => text.split(/\s+/).filter(isLong));
  const wrapped = configs.map((config) => Buffer.from(config).toString("base64"));
  return new Set([...inConfig, ...inKeyFiles, ...wrapped].filter((secret) => secret !== ""));
}

function isLong(word: string): boolean {
  return word.length >= 20;
}

/** A host's words must not steer the user's terminal. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, "");
}
