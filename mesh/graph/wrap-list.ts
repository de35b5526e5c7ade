/** Wraps long lists in a picture. */

/** Joins items with commas, as many in a row as fit into `width` characters: `a, b,` and `c`. */
export function wrapList(items: readonly string[], width: number): string[] {
  const rows: string[] = [];
  let row = "";
  for (const [at, item] of items.entries()) {
    const text = at === items.length - 1 ? item : `${item},`;
    const longer = row === "" ? text : `${row} ${text}`;
    if (row === "" || longer.length <= width) row = longer;
    else {
      rows.push(row);
      row = text;
    }
  }
  return row === "" ? rows : [...rows, row];
}
