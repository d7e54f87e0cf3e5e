// A block of cells copied from a spreadsheet, as plain text: read, and matched to columns.

/** Read what a spreadsheet puts on the clipboard: tabs, lines, cells with quotes. */
export function readBlock(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    const cells = rows.at(-1);
    if (quoted) {
      if (letter !== '"') cells[cells.length - 1] += letter;
      else if (text[at + 1] === '"') {
        cells[cells.length - 1] += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"' && cells.at(-1) === "" && endsQuoted(text, at)) quoted = true;
    else if (letter === "\t") cells.push("");
    else if (letter === "\n") rows.push([""]);
    else if (letter !== "\r") cells[cells.length - 1] += letter;
  }
  if (rows.length > 1 && rows.at(-1).length === 1 && rows.at(-1)[0] === "") rows.pop();
  return rows;
}

/**
 * Take away a first row that only names columns; return the rows and the columns they fill.
 * `heads` are {label, column, isTyped} from left to right; `first` is where the block begins.
 */
export function withoutHeads(rows, heads, first) {
  const named = rows[0].map((cell) => heads.find((one) => isSameName(one.label, cell)));
  const found = named.filter(Boolean).length;
  if (rows.length > 1 && found > 1 && found >= named.length / 2) {
    return { rows: rows.slice(1), columns: named.map((one) => (one?.isTyped ? one.column : "")) };
  }
  const from = heads.slice(heads.findIndex((one) => one.column === first));
  const typed = from.filter((one) => one.isTyped);
  const width = Math.max(...rows.map((cells) => cells.length));
  // As wide as what is typed: computed columns were left out; wider: they were copied along.
  const columns = width <= typed.length ? typed : from;
  return { rows, columns: columns.map((one) => (one.isTyped ? one.column : "")) };
}

/** Pair cells with columns; `lost` counts filled cells that have no column. */
export function cellsToFill(columns, cells) {
  const filled = cells.map((cell, at) => [columns[at] ?? "", cell.trim()]).filter(([column]) => column);
  const lost = cells.slice(columns.length).filter((cell) => cell.trim()).length;
  return { filled, lost };
}

// A quoted cell ends with a lone quote before a tab, a line's end or the end; found by walking,
// because a pattern would look at a long text again for every quote in it.
function endsQuoted(text, start) {
  let at = start + 1;
  for (;;) {
    at = text.indexOf('"', at);
    if (at < 0) return false;
    if (text[at + 1] !== '"') return at + 1 === text.length || "\t\r\n".includes(text[at + 1]);
    at += 2;
  }
}

function isSameName(label, cell) {
  const plain = (words) => words.replace(/[\s*＊（(].*$/u, "").trim();
  return plain(cell) !== "" && plain(cell) === plain(label);
}
