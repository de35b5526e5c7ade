/** Parses one rule as nft(8) prints it. After an unknown part, it searches only for the verdict at the end. */
import {
  conditionOf,
  isSingle,
  OPERATORS,
  selectorOf,
  verdictOf,
  type Selector,
} from "./nft-words";
import {
  actionOfTarget,
  oneOf,
  UNKNOWN,
  type Branch,
  type Condition,
  type Field,
  type Rule,
} from "./rules";

/** `words`: the rule's, as words() splits them with the marks `{}(),;`. */
export function parseRule(words: readonly string[]): Rule {
  const parser = new RuleParser(words);
  while (!parser.done()) parser.statement();
  return { conditions: parser.conditions, branches: parser.branches };
}

class RuleParser {
  readonly conditions: Condition[] = [];
  readonly branches: Branch[] = [];
  #at = 0;

  constructor(readonly words: readonly string[]) {}

  done(): boolean {
    return this.#at >= this.words.length;
  }

  statement(): void {
    const word = this.#next();
    if (this.#verdict(word) || this.#sideEffect(word)) return;
    const selector = this.#selectors(word);
    if (selector === null || this.#peek() === "set") this.#skipToVerdict();
    else this.#comparison(selector);
  }

  #peek(): string {
    return this.words[this.#at] ?? "";
  }

  #next(): string {
    return this.words[this.#at++] ?? "";
  }

  #take(word: string): boolean {
    if (this.#peek() !== word) return false;
    this.#at++;
    return true;
  }

  /** Takes a verdict and ends the rule. */
  #verdict(word: string): boolean {
    const action = verdictOf(word, this.#peek());
    if (action === null && word !== "continue") return false;
    if (action !== null) this.branches.push({ when: null, action });
    this.#at = this.words.length;
    return true;
  }

  /** Takes a statement that is no condition, or a limit. */
  #sideEffect(word: string): boolean {
    if (word === "counter") {
      if (this.#take("name")) this.#at++;
      else if (this.#take("packets")) this.#at += 3;
    } else if (word === "comment") this.#at++;
    else if (word === "log") this.#logOptions();
    else if (word === "limit") this.#limit();
    else if (word === "xt") this.#extension();
    else return word === "notrack";
    return true;
  }

  #logOptions(): void {
    for (;;) {
      if (["prefix", "level", "group", "snaplen", "queue-threshold"].includes(this.#peek()))
        this.#at += 2;
      else if (this.#take("flags")) this.#logFlags();
      else return;
    }
  }

  #logFlags(): void {
    for (;;) {
      const packet = this.#peek() === "tcp" || this.#peek() === "ip";
      const known = [",", "all", "skuid", "ether", "sequence", "options"].includes(this.#peek());
      const header = packet && ["sequence", "options"].includes(this.words[this.#at + 1] ?? "");
      if (!known && !header) return;
      this.#at++;
    }
  }

  #limit(): void {
    this.conditions.push(UNKNOWN);
    if (this.#take("name")) this.#at++;
    else {
      this.#take("rate");
      this.#take("over");
      if (!this.#next().includes("/")) this.#at++;
      if (this.#take("burst")) this.#at += 2;
    }
  }

  /** `xt match "addrtype"`: an extension of iptables(8) that nft cannot print. */
  #extension(): void {
    const kind = this.#next();
    const name = unquoted(this.#next());
    if (kind === "match" && name !== "comment") this.conditions.push(UNKNOWN);
    const action = kind === "target" ? actionOfTarget(name) : null;
    if (action !== null) this.branches.push({ when: null, action });
  }

  /** One selector, or several that are joined by dots. Null if a word is not known. */
  #selectors(word: string): Selector | null {
    let selector = this.#selector(word);
    while (selector !== null && this.#take(".")) {
      const more = this.#selector(this.#next());
      if (more === null) return null;
      selector = { field: "unknown", implied: [...selector.implied, ...more.implied] };
    }
    return selector;
  }

  #selector(word: string): Selector | null {
    if (word === "fib") return this.#routeLookup();
    return selectorOf(word, isSingle(word) ? "" : this.#next());
  }

  /** `fib saddr . iif oif`: keys that are joined by dots, and what is looked up. */
  #routeLookup(): Selector {
    do this.#at++;
    while (this.#take("."));
    this.#at++;
    return { field: "unknown", implied: [] };
  }

  #comparison({ field, implied }: Selector): void {
    for (const condition of implied) this.conditions.push(condition);
    if (this.#take("vmap")) {
      this.#verdictMap(field);
      this.#at = this.words.length;
      return;
    }
    const operator = OPERATORS.has(this.#peek()) ? this.#next() : "==";
    let values = this.#operand();
    while (OPERATORS.has(this.#peek())) {
      values = null;
      this.#at++;
      this.#operand();
    }
    this.conditions.push(conditionOf(field, operator, values));
  }

  /** A set, a list with commas, or one word. Null if it is not understood: a named set, an expression in parentheses. */
  #operand(): string[] | null {
    if (this.#take("(")) {
      this.#upTo(")");
      return null;
    }
    if (this.#take("{")) return this.#elements().map(({ key }) => key);
    const values = [unquoted(this.#next())];
    while (this.#take(",")) values.push(unquoted(this.#next()));
    return values.some((value) => value.startsWith("@")) ? null : values;
  }

  /** Takes the elements of a set or map, with its closing brace. A key of several words is no value of any field. */
  #elements(): { key: string; data: string[] }[] {
    const elements: { key: string; data: string[] }[] = [];
    while (!this.done() && !this.#take("}")) {
      let key = unquoted(this.#next());
      const data: string[] = [];
      let inData = false;
      while (!this.done() && this.#peek() !== "," && this.#peek() !== "}") {
        const word = unquoted(this.#next());
        if (inData) data.push(word);
        else if (word === ":") inData = true;
        else key += ` ${word}`;
      }
      elements.push({ key, data });
      this.#take(",");
    }
    return elements;
  }

  #verdictMap(field: Field): void {
    if (!this.#take("{")) {
      this.branches.push({ when: UNKNOWN, action: { kind: "unknown" } });
      return;
    }
    for (const { key, data } of this.#elements()) {
      const [word = "", chain = ""] = data;
      if (word === "continue") continue;
      const action = verdictOf(word, chain) ?? { kind: "unknown" };
      this.branches.push({ when: oneOf(field, key), action });
    }
  }

  #upTo(closing: string): void {
    while (!this.done() && !this.#take(closing)) this.#at++;
  }

  /** The rule may or may not apply. Verdicts in braces are skipped. */
  #skipToVerdict(): void {
    this.conditions.push(UNKNOWN);
    // The second word of an unknown statement was read as a field; it may be the verdict.
    if (this.#at >= 1) this.#at = Math.max(this.#at - 1, 1);
    for (let depth = 0; !this.done();) {
      const word = this.#next();
      if (word === "{") depth++;
      else if (word === "}") depth--;
      else if (depth <= 0 && word === "vmap") {
        this.#verdictMap("unknown");
        this.#at = this.words.length;
      } else if (depth <= 0 && this.#verdict(word)) return;
    }
  }
}

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1) : word;
}
