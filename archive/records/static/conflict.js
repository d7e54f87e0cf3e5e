// Two versions of one draft, side by side; the person chooses entry by entry, and cell by cell
// where both have the same number of rows.

/**
 * Resolve to the values to go on with, or null when the person only closes the dialog.
 * `base` is what both began from: an entry I did not touch starts out as theirs.
 */
export function chooseBetween(mine, theirs, labels, base = null) {
  const places = Object.keys(mine).flatMap((key) => placesOf(key, mine, theirs.values, labels, base));
  if (places.length === 0) return Promise.resolve({ ...theirs.values, ...mine });
  const dialog = build(places, theirs.saved_at);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "save" ? merged(dialog, places, mine, theirs.values) : null);
      dialog.remove();
    });
  });
}

// Where the two differ: {key, row, column, label, mine, theirs, isTheirs}.
function placesOf(key, mine, theirs, labels, base) {
  const [left, right, before] = [mine[key], theirs[key], base?.[key]];
  if (isSame(left, right)) return [];
  const isTable = Array.isArray(left) && left.some(isRow);
  if (!isTable || !Array.isArray(right) || left.length !== right.length) {
    const isTheirs = Boolean(base) && isSame(left, before);
    const [one, other] = [shown(left, left), shown(right, left)];
    return [{ key, label: labels[key] ?? key, mine: one, theirs: other, isTheirs }];
  }
  return left.flatMap((line, row) =>
    Object.keys(line)
      .filter((column) => !isSame(line[column], right[row]?.[column]))
      .map((column) => ({
        key,
        row,
        column,
        label: `${labels[key] ?? key} 第${row + 1}行 ${labels[`${key}.${column}`] ?? column}`,
        mine: shown(line[column]),
        theirs: shown(right[row]?.[column]),
        isTheirs: Boolean(before) && before.length === left.length && isSame(line[column], before[row]?.[column]),
      })),
  );
}

function merged(dialog, places, mine, theirs) {
  const values = structuredClone({ ...theirs, ...mine });
  places.forEach((place, at) => {
    const choice = dialog.querySelector(`input[name="choose-${at}"]:checked`);
    if (choice?.value !== "theirs") return;
    if (place.column === undefined) values[place.key] = theirs[place.key];
    else values[place.key][place.row][place.column] = theirs[place.key][place.row]?.[place.column] ?? "";
  });
  return values;
}

function build(places, savedAt) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask conflict-dialog";
  dialog.setAttribute("aria-labelledby", "conflict-title");
  const title = element("h2", "这份文件在别处改过");
  title.id = "conflict-title";
  dialog.append(
    title,
    element("p", `已保存的一份存于 ${savedAt}。两边不同的栏目列在下面，请选定每一栏用哪一边。`),
    tableOf(places),
    buttons(dialog),
  );
  return dialog;
}

function tableOf(places) {
  const table = element("table", "", "table conflict-table");
  const head = table.createTHead().insertRow();
  for (const word of ["栏目", "我这一页", "已保存的"]) head.append(element("th", word));
  const body = table.createTBody();
  places.forEach((place, at) => {
    const row = body.insertRow();
    row.append(element("th", place.label));
    row.append(
      cell(at, "mine", place.mine, !place.isTheirs, place.label),
      cell(at, "theirs", place.theirs, place.isTheirs, place.label),
    );
  });
  return table;
}

function cell(at, side, words, isChosen, label) {
  const holder = document.createElement("td");
  const wrap = document.createElement("label");
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.className = "form-check-input";
  radio.name = `choose-${at}`;
  radio.value = side;
  radio.checked = isChosen;
  radio.setAttribute("aria-label", `${label}：用${side === "mine" ? "我这一页" : "已保存的"}，${words || "空"}`);
  wrap.append(radio, element("span", words || "（空）", "preserve-lines"));
  holder.append(wrap);
  return holder;
}

function buttons(dialog) {
  const foot = element("div", "", "form-actions");
  const all = (side) => () => {
    for (const radio of dialog.querySelectorAll(`input[value="${side}"]`)) radio.checked = true;
  };
  foot.append(
    button("全用已保存的", "btn-outline-secondary", all("theirs")),
    button("全用我这一页", "btn-outline-secondary", all("mine")),
    button("先不保存", "btn-outline-secondary", () => dialog.close("")),
    button("按所选保存", "btn-primary", () => dialog.close("save")),
  );
  return foot;
}

// Rows are told in the order of the columns on the page, which my own rows have.
function shown(value, like) {
  if (Array.isArray(value)) {
    const columns = isRow(like?.[0]) ? Object.keys(like[0]) : null;
    const words = value.map((one, at) => (isRow(one) ? `第${at + 1}行：${rowWords(one, columns)}` : one));
    return words.join(value.some(isRow) ? "\n" : "、");
  }
  if (typeof value === "boolean") return value ? "是" : "否";
  return String(value ?? "");
}

function isRow(value) {
  return value !== null && typeof value === "object";
}

function rowWords(row, columns) {
  const cells = (columns ?? Object.keys(row)).map((column) => row[column] ?? "");
  return cells.filter((one) => one !== "" && one !== false).join("，");
}

// The server adds what it computes to each row; only what people type is compared.
function isSame(mine, theirs) {
  if (Array.isArray(mine) && Array.isArray(theirs) && mine.some(isRow)) {
    return mine.length === theirs.length && mine.every((row, at) => isSameRow(row, theirs[at]));
  }
  return plain(mine) === plain(theirs);
}

function isSameRow(mine, theirs) {
  return Object.keys(mine).every((key) => plain(mine[key]) === plain(theirs?.[key]));
}

// A number typed as 1,234.5 and kept as 1234.50 is the same number.
function plain(value) {
  const isNumber = typeof value === "string" && /^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/.test(value);
  if (!isNumber) return JSON.stringify(value ?? "");
  const [whole, part = ""] = value.replaceAll(",", "").split(".");
  return JSON.stringify([whole, part.replace(/0+$/, "")].filter(Boolean).join("."));
}

function element(tag, words, look = "") {
  const made = document.createElement(tag);
  made.textContent = words;
  made.className = look;
  return made;
}

function button(words, look, act) {
  const made = element("button", words, `btn ${look}`);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}
