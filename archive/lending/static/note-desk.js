// Handing out a loan note: every barcode scanned ticks its line; all of it is sent at once.

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
  if (!serves.length) return told(`${code} 不在这份借阅单可借出的里面`);
  if (serves.some((line) => tickOf(line).checked && tickOf(line).value === code)) {
    return told(`${code} 已经扫过`);
  }
  const line = serves.find((one) => !tickOf(one).checked);
  if (!line) return told(`${code} 多出来了：这一件申请的份数已够`);
  tickOf(line).checked = true;
  if (tickOf(line).value !== code) take(line, code);
  line.scrollIntoView({ block: "nearest" });
  told(`${code} 勾上了`);
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

document.querySelector("[data-note-scan]").addEventListener("submit", (event) => {
  event.preventDefault();
  scan(box.value);
  box.value = "";
  box.focus();
});
document.addEventListener("change", () => told());
told();
