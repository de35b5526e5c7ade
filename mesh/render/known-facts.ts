/** Replaces placeholders in rendered text with facts from AWS. */
import { addressPlaceholder, firstAddressPlaceholder, instancePlaceholder } from "../placeholders";

/** Facts of one ec2 relay. */
interface Facts<T> {
  address?: T;
  instanceId?: T;
  firstAddress?: T;
}

/** By relay name. */
export type InstanceFacts = Readonly<Record<string, Facts<string>>>;

const PLACEHOLDERS = {
  address: addressPlaceholder,
  instanceId: instancePlaceholder,
  firstAddress: firstAddressPlaceholder,
};

const PLACEHOLDER = /<(?:eip|instance|first):([a-z0-9-]+)>/g;

/** The names of the relays with a placeholder in the text, without duplicates. */
export function relaysWithPlaceholders(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = ""]) => name))];
}

/** Replaces every placeholder. Throws if a fact is missing, so that no incomplete config is delivered. */
export function fillFacts(text: string, facts: InstanceFacts): string {
  const filled = fillKnownFacts(text, facts);
  const missing = relaysWithPlaceholders(filled);
  if (missing.length === 0) return filled;
  throw new Error(`no instance known for ${missing.join(", ")}`);
}

/** Replaces the placeholders whose facts are known. */
export function fillKnownFacts(text: string, facts: InstanceFacts): string {
  return Object.entries(facts).reduce(
    (soFar, [name, known]) =>
      factNames(known).reduce(
        (filled, fact) => filled.replaceAll(PLACEHOLDERS[fact](name), known[fact] ?? ""),
        soFar,
      ),
    text,
  );
}

/** Only the facts that the text needs: the text is unknown until all of them are known. */
export function factsIn<T>(text: string, name: string, facts: Required<Facts<T>>): Facts<T> {
  const needed = factNames(facts).filter((fact) => text.includes(PLACEHOLDERS[fact](name)));
  return Object.fromEntries(needed.map((fact) => [fact, facts[fact]]));
}

function factNames(facts: Facts<unknown>): (keyof Facts<unknown>)[] {
  return (["address", "instanceId", "firstAddress"] as const).filter((fact) => fact in facts);
}
