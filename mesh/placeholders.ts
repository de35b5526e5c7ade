/** What stands in a plan for a fact that only AWS knows. No user input can look like it: values.ts takes no `<`. */

/** The Elastic IP of an ec2 relay. */
export function addressPlaceholder(relay: string): string {
  return `<eip:${relay}>`;
}

/** The instance id of an ec2 relay: another one is another machine. */
export function instancePlaceholder(relay: string): string {
  return `<instance:${relay}>`;
}

export function isPlaceholder(text: string): boolean {
  return text.startsWith("<");
}
