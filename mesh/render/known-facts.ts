/** The facts that only AWS knows meet the rendered texts here: after the plan, and before a host or a person. */
import { addressPlaceholder, instancePlaceholder } from "../placeholders";

/** By the name of an ec2 relay. */
export type InstanceFacts = Readonly<Record<string, { address: string; instanceId: string }>>;

const PLACEHOLDER = /<(?:eip|instance):([a-z0-9-]+)>/g;

/** The relays whose facts a text waits for, each once. */
export function relaysAwaited(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = ""]) => name))];
}

/** The text with every placeholder filled. Throws where a fact is missing: a half-filled config must reach nobody. */
export function fillFacts(text: string, facts: InstanceFacts): string {
  const filled = Object.entries(facts).reduce(
    (soFar, [name, { address, instanceId }]) =>
      soFar
        .replaceAll(addressPlaceholder(name), address)
        .replaceAll(instancePlaceholder(name), instanceId),
    text,
  );
  const missing = relaysAwaited(filled);
  if (missing.length === 0) return filled;
  throw new Error(`no instance is known of ${missing.join(", ")}`);
}
