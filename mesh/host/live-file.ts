/**
 * The wg-quick(8) file for boot: that of the request, with the hooks of its filter, and with numeric endpoints, because `wg-quick
 * up` fails if a name does not resolve.
 */
import { Secret } from "../secret";
import { fileEndpoints, NAME_COMMENT, resolve } from "./endpoints";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import { tasksHook } from "./tasks";
import type { Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";
import { formatNumericEndpoint } from "./wireguard-state";

/** `hooks`: more lines of the [Interface] section. */
export function renderLiveFile(
  one: WantedInterface,
  observed: Observation,
  wanted: Wanted,
  hooks: readonly string[],
): Secret {
  const endpoints = bootEndpoints(one, observed);
  let key = "";
  const lines = one.text
    .reveal()
    .split("\n")
    .flatMap((line) => {
      if (line === "[Interface]") return [line, ...hooks, ...tasksHook(wanted)];
      if (line.startsWith("PublicKey = ")) key = line.slice("PublicKey = ".length);
      const endpoint = line.startsWith("Endpoint = ") ? endpoints.get(key) : undefined;
      if (endpoint === undefined) return [line];
      const number = endpoint.number === null ? [] : [`Endpoint = ${endpoint.number}`];
      return [`${NAME_COMMENT}${endpoint.name}`, ...number];
    });
  return Secret.of(lines.join("\n"));
}

/** The lines of a wg-quick file without secrets, as the host prints them. */
export function withoutSecrets(text: Secret): string[] {
  const lines = text.reveal().replace(/\n$/, "").split("\n");
  return lines.filter((line) => !/^\s*(PrivateKey|PresharedKey)\s*=/i.test(line));
}

/** The lines without endpoints that come from names. */
export function withoutFollowed(lines: readonly string[]): string[] {
  return lines.filter(
    (line, at) =>
      !(line.startsWith("Endpoint = ") && lines[at - 1]?.startsWith(NAME_COMMENT) === true),
  );
}

/** The endpoints that are names in the config, by public key. */
function bootEndpoints(one: WantedInterface, observed: Observation) {
  const former = fileEndpoints(observed.configs.get(configPath(one.name)) ?? []);
  const running = observed.devices.get(one.name)?.peers;
  return new Map(
    one.peers.flatMap(({ publicKey, endpoint }: WantedPeer) => {
      if (endpoint === null || !endpoint.isName) return [];
      const known = [former.get(publicKey)?.number, running?.get(publicKey)?.endpoint]
        .flatMap((it) => it ?? [])
        .map(formatNumericEndpoint);
      const answers = resolve(endpoint, observed).map(formatNumericEndpoint);
      // If a name does not resolve, the former endpoint stays in the file.
      const kept = known.find((it) => answers.length === 0 || answers.includes(it));
      return [[publicKey, { name: endpoint.text, number: kept ?? answers[0] ?? null }] as const];
    }),
  );
}
