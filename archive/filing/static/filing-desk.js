// 归档台的按键：J、K 移动，X 选中，全选；标签页的打印按钮。没有它，页面照样能用。

const table = document.querySelector("[data-filing-desk] tbody");
const all = document.querySelector("[data-filing-all]");

function boxes() {
  return table ? [...table.querySelectorAll('input[name="record"]')] : [];
}

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function move(step) {
  const links = [...table.querySelectorAll("a.row-title")];
  const row = document.activeElement.closest("tr");
  const here = links.findIndex((link) => link.closest("tr") === row);
  const next = Math.min(Math.max(here + step, 0), links.length - 1);
  links[next]?.focus();
}

function toggle() {
  const box = document.activeElement.closest("tr")?.querySelector('input[name="record"]');
  if (box) box.checked = !box.checked;
}

all?.addEventListener("change", () => {
  for (const box of boxes()) box.checked = all.checked;
});

if (table) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const acts = { j: () => move(1), k: () => move(-1), x: toggle };
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
