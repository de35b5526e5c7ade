/** A secret value that cannot be printed by accident: only `reveal` returns it. */

export const HIDDEN = "(hidden)";

const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * Holds a private key, a preshared key, a seed or a text that contains one. Every way of printing it (template, JSON,
 * console.log) gives `(hidden)`. A *sealed* secret is set but cannot be read, like a `secure:` value in a stack file
 * that is read without the engine.
 */
export class Secret {
  readonly #value: string | null;

  private constructor(value: string | null) {
    this.#value = value;
  }

  static of(value: string): Secret {
    return new Secret(value);
  }

  static sealed(): Secret {
    return new Secret(null);
  }

  get isSealed(): boolean {
    return this.#value === null;
  }

  /** The plain value. Throws for a sealed secret. */
  reveal(): string {
    if (this.#value === null) throw new Error("a sealed secret cannot be read without the engine");
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect](): string {
    return HIDDEN;
  }
}
