/** Replaces placeholders in rendered text with facts from AWS. */
import { addressPlaceholder, instancePlaceholder } from "../placeholders";

/** By name of the ec2 relay. */
export type InstanceFacts = Readonly<Record<string, { address: string; instanceId: string }>>;

const PLACEHOLDER = /<(?:eip|instance):([a-z0-9-]+)>/g;

/** The names of the relays with a placeholder in the text, without duplicates. */
export function relaysAwaited(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = ""]) => name))];
}

/** Replaces every placeholder. Throws if a fact is missing, so that no incomplete config is delivered. */
export function fillFacts(text: string, facts: InstanceFacts): string {
  const filled = fillKnownFacts(text, facts);
  const missing = relaysAwaited(filled);
  if (missing.length === 0) return filled;
  throw new Error(`no instance known for ${missing.join(", ")}`);
}

/** Leaves the placeholders whose facts are missing. */
export function fillKnownFacts(text: string, facts: InstanceFacts): string {
  return Object.entries(facts).reduce(
    (soFar, [name, { address, instanceId }]) =>
      soFar
        .replaceAll(addressPlaceholder(name), address)
        .replaceAll(instancePlaceholder(name), instanceId),
    text,
  );
}
