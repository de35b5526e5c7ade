/** Random stack files in the styles that people write: comments anywhere, flow maps, merges, aliases, JSON text, CRLF. */
import fc from "fast-check";

export interface StackText {
  text: string;
  /** Existing peers. */
  peers: string[];
  /** Why the peers cannot be edited in place; null if they can. */
  refusal: RegExp | null;
}

const STYLES = [
  "block",
  "flow entries",
  "flow map",
  "flow lines",
  "empty",
  "none",
  "json",
  "alias",
];

type Style =
  "block" | "flow entries" | "flow map" | "flow lines" | "empty" | "none" | "json" | "alias";

/** Words that look like other parts of YAML. */
const COMMENTS = ["staff", "{ a: 1 }", 'say "x', "a: b", "[1, 2", "}", "*x &y", "===== #", "été"];

interface Shape {
  style: Style;
  count: number;
  indent: number;
  crlf: boolean;
  byteOrderMark: boolean;
  finalNewline: boolean;
  merge: boolean;
  last: boolean;
  comments: boolean[];
  blanks: boolean[];
  words: string[];
}

const shape: fc.Arbitrary<Shape> = fc.record({
  style: fc.constantFrom(...(STYLES as Style[])),
  count: fc.integer({ min: 1, max: 4 }),
  indent: fc.constantFrom(2, 3, 4),
  crlf: fc.boolean(),
  byteOrderMark: fc.boolean(),
  finalNewline: fc.boolean(),
  merge: fc.boolean(),
  last: fc.boolean(),
  comments: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
  blanks: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
  words: fc.array(fc.constantFrom(...COMMENTS), { minLength: 24, maxLength: 24 }),
});

export const stackTexts: fc.Arbitrary<StackText> = shape.map((given) => new Writer(given).write());

const REFUSALS: Partial<Record<Style, RegExp>> = { json: /is JSON text/, alias: /is an alias/ };

class Writer {
  private readonly lines: string[] = [];
  private at = 0;

  constructor(private readonly given: Shape) {}

  write(): StackText {
    const { given, lines } = this;
    const unit = " ".repeat(given.indent);
    this.comment("");
    lines.push("encryptionsalt: v1:x");
    lines.push(`shared: &shared { p0: { address: 10.86.0.2 } }${this.trailing()}`);
    lines.push(`config:${this.trailing()}`);
    lines.push(`${unit}wireguard-mesh:network: {cidr: 10.86.0.0/24}${this.trailing()}`);
    if (!given.last) this.peers(unit);
    this.comment(unit);
    lines.push(`${unit}wireguard-mesh:relays:`, `${unit}${unit}tokyo: &t`);
    lines.push(`${unit}${unit}${unit}address: 10.86.0.1${this.trailing()}`);
    if (given.last) this.peers(unit);
    const end = given.crlf ? "\r\n" : "\n";
    const isEmpty = ["empty", "none", "alias"].includes(given.style);
    return {
      text:
        (given.byteOrderMark ? "\ufeff" : "") + lines.join(end) + (given.finalNewline ? end : ""),
      peers: isEmpty ? [] : this.names(),
      refusal: REFUSALS[given.style] ?? null,
    };
  }

  private names(): string[] {
    return Array.from({ length: this.given.count }, (_, index) => `p${index}`);
  }

  private peers(unit: string): void {
    const { style } = this.given;
    const key = `${unit}wireguard-mesh:peers:`;
    const body = `${unit}${unit}`;
    if (style === "none") return;
    this.comment(unit);
    if (style === "empty") this.lines.push(`${key} {}${this.trailing()}`);
    else if (style === "alias") this.lines.push(`${key} *shared${this.trailing()}`);
    else if (style === "json") this.lines.push(`${key} '${JSON.stringify(this.asJson())}'`);
    else if (style === "flow map") this.lines.push(`${key} ${this.flowMap()}${this.trailing()}`);
    else if (style === "flow lines") this.flowLines(key, body);
    else this.entries(key, body, unit);
    this.comment(body);
  }

  private entries(key: string, body: string, unit: string): void {
    this.lines.push(`${key}${this.trailing()}`);
    for (const [index, name] of this.names().entries()) {
      this.comment(body);
      if (this.given.style === "flow entries")
        this.lines.push(`${body}${name}: { address: 10.86.0.${index + 2} }${this.trailing()}`);
      else {
        this.lines.push(`${body}${name}:${this.trailing()}`);
        if (this.given.merge) this.lines.push(`${body}${unit}<<: *shared`);
        this.lines.push(`${body}${unit}address:   "10.86.0.${index + 2}"${this.trailing()}`);
        this.comment(`${body}${unit}`);
      }
    }
  }

  private flowMap(): string {
    return `{ ${this.names()
      .map((name, index) => `${name}: {address: 10.86.0.${index + 2}}`)
      .join(", ")} }`;
  }

  private flowLines(key: string, body: string): void {
    this.lines.push(`${key} {${this.trailing()}`);
    const names = this.names();
    for (const [index, name] of names.entries()) {
      const comma = index < names.length - 1 || this.given.merge ? "," : "";
      this.comment(body);
      this.lines.push(
        `${body}${name}: { address: 10.86.0.${index + 2} }${comma}${this.trailing()}`,
      );
    }
    this.lines.push(`${body}}${this.trailing()}`);
  }

  private asJson(): object {
    return Object.fromEntries(this.names().map((name) => [name, { address: "10.86.0.2" }]));
  }

  /** Perhaps a line of comment, perhaps after an empty line. */
  private comment(indent: string): void {
    const word = this.next();
    if (this.given.blanks[this.at % 24] === true) this.lines.push("");
    if (word !== null) this.lines.push(`${indent}# ${word}`);
  }

  private trailing(): string {
    const word = this.next();
    return word === null ? "" : `  # ${word}`;
  }

  /** Each comment has a number, so that a lost or moved one is noticed. */
  private next(): string | null {
    this.at += 1;
    const { comments, words } = this.given;
    return comments[this.at % 24] === true ? `${this.at} ${words[this.at % 24] ?? ""}` : null;
  }
}
