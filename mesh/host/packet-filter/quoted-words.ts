/** The words of a line of nft(8) or iptables-save(8): text in quotes stays together. */

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Splits a line into words. Each character of `marks` is a word of its own; text in double quotes is one word that begins with
 * the quote and has no closing one. `escapes`: a backslash in quotes takes the next character along.
 */
export function words(line: string, marks: string, escapes: boolean): string[] {
  const found: string[] = [];
  for (let at = 0; at < line.length;) {
    const code = line.charCodeAt(at);
    let end = at + 1;
    if (code === QUOTE) {
      end = closingQuote(line, end, escapes);
      found.push(line.slice(at, end));
      end++;
    } else if (marks.includes(line.charAt(at))) found.push(line.charAt(at));
    else if (!isBlank(code)) {
      end = endOfWord(line, end, marks);
      found.push(line.slice(at, end));
    }
    at = end;
  }
  return found;
}

function endOfWord(line: string, from: number, marks: string): number {
  let at = from;
  while (at < line.length) {
    const code = line.charCodeAt(at);
    if (isBlank(code) || code === QUOTE) break;
    // Letters and digits are no marks; all others are looked up.
    if (!isPlain(code) && marks.includes(line.charAt(at))) break;
    at++;
  }
  return at;
}

function closingQuote(line: string, from: number, escapes: boolean): number {
  if (!escapes) {
    const at = line.indexOf('"', from);
    return at < 0 ? line.length : at;
  }
  let at = from;
  while (at < line.length && line.charCodeAt(at) !== QUOTE) {
    at += line.charCodeAt(at) === BACKSLASH ? 2 : 1;
  }
  return Math.min(at, line.length);
}

/** Space, tab or carriage return. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13;
}

function isPlain(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 122);
}
