/** Placeholders in a plan for facts that only AWS knows. No config value can look like one: values.ts rejects `<`. */

/** The Elastic IP of an ec2 relay. */
export function addressPlaceholder(relay: string): string {
  return `<eip:${relay}>`;
}

/** The address at which an ec2 relay's instance is first pushed to; may become empty text. */
export function firstAddressPlaceholder(relay: string): string {
  return `<first:${relay}>`;
}

/** The instance ID of an ec2 relay. */
export function instancePlaceholder(relay: string): string {
  return `<instance:${relay}>`;
}

export function isPlaceholder(text: string): boolean {
  return text.startsWith("<");
}
