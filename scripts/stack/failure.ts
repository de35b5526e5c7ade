/** The error of a command, printed without a stack trace. */

/** `remedy`: what to do or to run, or null. Exit code 1 is a failure, 2 wrong usage. Never contains a secret. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly remedy: string | null = null,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** A message with its remedy in a second, indented line. */
export function withRemedy(message: string, remedy: string | null): string {
  return remedy === null ? message : `${message}\n  ${remedy}`;
}

/**
 * The node with this name.
 * @throws Failure if it is not among `nodes`: it is disabled, has expired, or is not in the config.
 */
export function findNode<N extends { name: string }>(name: string, nodes: readonly N[]): N {
  const node = nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  throw noSuchNode(
    name,
    nodes.map((candidate) => candidate.name),
  );
}

export function noSuchNode(name: string, names: readonly string[]): Failure {
  return new Failure(
    `the network has no node ${JSON.stringify(name)}`,
    names.length === 0
      ? "it has no nodes yet: npx wireguard-mesh add-peer NAME"
      : `its nodes: ${names.join(", ")}`,
    2,
  );
}
