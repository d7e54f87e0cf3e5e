// A loan note at the desk: every barcode scanned ticks its line, to go out or to come back; what
// is ticked is sent at once. Where the pages are still to be counted, the cursor goes there.

const box = document.querySelector("#scan");
const lines = [...document.querySelectorAll("[data-note-line]")];
const state = document.querySelector("[data-note-state]");

function tickOf(line) {
  return line.querySelector("input[type=checkbox]");
}

function told(words = "") {
  const count = lines.filter((line) => tickOf(line).checked).length;
  state.textContent = `已勾 ${count} 份，共 ${lines.length} 份${words && `；${words}`}`;
}

/** Tick the first free line that this copy serves; the line takes the copy that was scanned. */
function scan(text) {
  const code = text.normalize("NFKC").trim().toUpperCase();
  if (!code) return;
  const serves = lines.filter((line) => line.dataset.noteLine.split(" ").includes(code));
  if (!serves.length) return told(`${code} 不在这份借阅单可借出的和在外的里面`);
  if (serves.some((line) => tickOf(line).checked && tickOf(line).value === code)) {
    return told(`${code} 已经扫过`);
  }
  const line = serves.find((one) => !tickOf(one).checked);
  if (!line) return told(`${code} 多出来了：这一件申请的份数已够`);
  tickOf(line).checked = true;
  if (tickOf(line).value !== code) take(line, code);
  line.scrollIntoView({ block: "nearest" });
  told(`${code} 勾上了`);
  const pages = line.querySelector(".note-pages");
  if (pages.value === "") pages.focus();
}

/** Let a line stand for another copy of the same paper; the line that had it takes this one's. */
function take(line, code) {
  const before = tickOf(line).value;
  const other = lines.find((one) => one !== line && tickOf(one).value === code);
  if (other) name(other, before);
  name(line, code);
}

function name(line, code) {
  tickOf(line).value = code;
  line.querySelector("[data-note-code]").textContent = code;
  line.querySelector(".note-pages").name = `pages-${code}`;
}

document.querySelector("[data-note-scan]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const code = box.value;
  box.value = "";
  box.focus();
  scan(code);
});
// Enter after the pages goes on scanning; a barcode scanned into them is meant for the scan box.
for (const entry of document.querySelectorAll(".note-pages")) {
  entry.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey) return;
    event.preventDefault();
    const typed = entry.value.trim();
    box.focus();
    if (!/^A\d{10}$/i.test(typed)) return;
    entry.value = entry.defaultValue;
    scan(typed);
  });
}
document.addEventListener("change", () => state && told());
if (state) told();
