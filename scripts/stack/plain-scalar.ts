/**
 * Reads scalars without quotes like the engine (go.yaml.in/yaml/v3, resolve.go: a mix of YAML 1.1 and 1.2). Rejects those that a
 * person would read differently.
 */
import { Mistake, quote } from "../../mesh/config/mistake";

const KEYWORDS = new Map([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** Octal, hexadecimal and binary, leading zeros and signs, `5.`, infinity and NaN; underscores are left out before. */
const OTHER_NUMBER =
  /^[-+]?(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|\.(inf|Inf|INF))$|^\.(nan|NaN|NAN)$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const UTC_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
/** With one-digit parts, fractions of seconds, an offset, or a space instead of `T`. */
const OTHER_TIME =
  /^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[+-]\d{2}:\d{2})| +\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?$/;

/** The value; a Mistake if the engine's value differs from what the text seems to mean. */
export function readPlain(text: string): string | number | boolean | null | Mistake {
  const keyword = KEYWORDS.get(text);
  if (keyword !== undefined) return keyword;
  if (!/^[-+.\d]/.test(text)) return text;
  // The engine reads a number out of range, such as 1e400, as text. `+ 0` turns -0 into 0.
  if (JSON_NUMBER.test(text)) return Number.isFinite(Number(text)) ? Number(text) + 0 : text;
  if (DAY.test(text) || UTC_TIME.test(text)) return isMoment(text) ? engineTime(text) : text;
  if (OTHER_TIME.test(text)) {
    const remedy = `put it in quotes, e.g. "2026-12-31T18:00:00+09:00"`;
    return new Mistake(
      `${quote(text)} without quotes is a YAML time, rewritten on reading`,
      remedy,
    );
  }
  const digits = text.startsWith(".") ? text : text.replaceAll("_", "");
  if (!OTHER_NUMBER.test(digits)) return text;
  const number = engineNumber(digits);
  if (/Infinity$/.test(number)) return text;
  return new Mistake(
    `${quote(text)} without quotes is ${number} to the engine`,
    "if it is text, put it in quotes; if it is a number, write it in decimal without leading zeros",
  );
}

/** Whether the engine reads the text, written without quotes, as this same text. */
export function isPlainText(text: string): boolean {
  return readPlain(text) === text;
}

/** Go's format, in which the engine passes a time on to the program. */
function engineTime(text: string): string {
  return `${text.slice(0, 10)} ${text.slice(11, 19) || "00:00:00"} +0000 UTC`;
}

/** Reports whether day and time exist; Date.parse reads 31 February as 3 March. */
function isMoment(text: string): boolean {
  const moment = Date.parse(text);
  const written = text.length === 10 ? `${text}T00:00:00` : text.slice(0, 19);
  return !Number.isNaN(moment) && new Date(moment).toISOString().startsWith(written);
}

function engineNumber(text: string): string {
  if (/inf$/i.test(text) || /nan$/i.test(text)) return "not a finite number";
  const [, sign = "", digits = ""] = /^([-+]?)(.*)$/.exec(text) ?? [];
  const octal = /^0[oO]?([0-7]+)$/.exec(digits)?.[1];
  const value = octal === undefined ? Number(digits) : parseInt(octal, 8);
  return String(sign === "-" ? -value : value);
}
