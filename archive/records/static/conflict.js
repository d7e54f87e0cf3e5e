// Two versions of one draft, side by side; the person chooses entry by entry.

/**
 * Resolve to the values to go on with, or null when the person only closes the dialog.
 * `base` is what both began from: an entry I did not touch starts out as theirs.
 */
export function chooseBetween(mine, theirs, labels, base = null) {
  const keys = Object.keys(mine).filter((key) => !isSame(mine[key], theirs.values[key]));
  if (keys.length === 0) return Promise.resolve({ ...theirs.values, ...mine });
  const untouched = new Set(base ? keys.filter((key) => isSame(mine[key], base[key])) : []);
  const dialog = build(keys, mine, theirs, labels, untouched);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "save" ? merged(dialog, keys, mine, theirs.values) : null);
      dialog.remove();
    });
  });
}

function merged(dialog, keys, mine, theirs) {
  const values = { ...theirs, ...mine };
  for (const key of keys) {
    const choice = dialog.querySelector(`input[name="${CSS.escape(`choose-${key}`)}"]:checked`);
    if (choice?.value === "theirs") values[key] = theirs[key];
  }
  return values;
}

function build(keys, mine, theirs, labels, untouched) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask conflict-dialog";
  dialog.append(
    element("h2", "这份文件在别处改过"),
    element("p", `已保存的一份存于 ${theirs.saved_at}。两边不同的栏目列在下面，请选定每一栏用哪一边。`),
    tableOf(keys, mine, theirs.values, labels, untouched),
    buttons(dialog),
  );
  return dialog;
}

function tableOf(keys, mine, theirs, labels, untouched) {
  const table = element("table", "", "table conflict-table");
  const head = table.createTHead().insertRow();
  for (const word of ["栏目", "我这一页", "已保存的"]) head.append(element("th", word));
  const body = table.createTBody();
  for (const key of keys) {
    const row = body.insertRow();
    row.append(element("th", labels[key] ?? key));
    const isTheirs = untouched.has(key);
    row.append(
      cell(key, "mine", shown(mine[key], mine[key]), !isTheirs),
      cell(key, "theirs", shown(theirs[key], mine[key]), isTheirs),
    );
  }
  return table;
}

function cell(key, side, words, isChosen) {
  const holder = document.createElement("td");
  const label = document.createElement("label");
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.className = "form-check-input";
  radio.name = `choose-${key}`;
  radio.value = side;
  radio.checked = isChosen;
  label.append(radio, element("span", words || "（空）", "preserve-lines"));
  holder.append(label);
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
    return value.map((one, at) => (isRow(one) ? `第${at + 1}行：${rowWords(one, columns)}` : one)).join("\n");
  }
  if (typeof value === "boolean") return value ? "是" : "否";
  return String(value ?? "");
}

function isRow(value) {
  return value !== null && typeof value === "object";
}

function rowWords(row, columns) {
  const cells = (columns ?? Object.keys(row)).map((column) => row[column] ?? "");
  return cells.filter((cell) => cell !== "" && cell !== false).join("，");
}

// The server adds what it computes to each row; only what people type is compared.
function isSame(mine, theirs) {
  if (Array.isArray(mine) && Array.isArray(theirs) && mine.some(isRow)) {
    return mine.length === theirs.length && mine.every((row, at) => isSameRow(row, theirs[at]));
  }
  return JSON.stringify(mine ?? "") === JSON.stringify(theirs ?? "");
}

function isSameRow(mine, theirs) {
  return Object.keys(mine).every((key) => JSON.stringify(mine[key]) === JSON.stringify(theirs?.[key] ?? ""));
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
