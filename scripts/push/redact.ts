/** Removes secrets from messages, because programs on the host quote lines with errors. */
import type { PushRequest } from "../../mesh/push-request";

/** Removes the request's secrets and all control characters except line breaks. */
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
    // A placeholder for a key on the host is no secret.
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

/** Without control characters, which could manipulate the terminal. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}]/gu, "");
}
