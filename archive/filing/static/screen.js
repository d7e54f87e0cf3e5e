// 归档四步的按键。正在打字时一概不管，按 Esc 回到“办这一步”。没有它，页面照样能用。

const screen = document.querySelector("[data-screen]");
const picture = document.querySelector("[data-screen-picture]");
let page = 1;

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function confirmButton() {
  return document.querySelector("[data-screen-confirm]");
}

function follow(name) {
  document.querySelector(`[data-screen-${name}]`)?.click();
}

function turn(step) {
  if (!picture) return;
  const pages = Number(picture.dataset.pages);
  page = Math.min(Math.max(page + step, 1), pages);
  picture.src = `/filing/screen/${picture.dataset.key}/page/${page}.png`;
  document.querySelector("[data-screen-page]").textContent = `第 ${page} 页，共 ${pages} 页`;
}

function edit() {
  const field = confirmButton()?.form.querySelector("select, input:not([type=hidden])");
  field?.focus();
  field?.select?.();
}

function giveBack() {
  const reason = document.querySelector("[data-screen-reason]");
  if (!reason) return;
  reason.closest("details").open = true;
  reason.focus();
}

function here() {
  return document.querySelector("[data-screen-list] .is-here");
}

function choose() {
  const box = here()?.querySelector("input");
  if (box) box.checked = !box.checked;
}

function chooseAlike() {
  const group = here()?.dataset.group;
  for (const line of document.querySelectorAll("[data-screen-list] li")) {
    line.querySelector("input").checked = line.dataset.group === group;
  }
}

const acts = {
  j: () => follow("next"),
  k: () => follow("previous"),
  n: () => turn(1),
  b: () => turn(-1),
  a: () => follow("rest"),
  e: edit,
  t: giveBack,
  x: choose,
  g: chooseAlike,
};

function onKey(event) {
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && isTyping(event.target)) {
    event.preventDefault();
    confirmButton()?.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (event.key === "Enter" && event.target === document.body) {
    event.preventDefault();
    confirmButton()?.click();
    return;
  }
  const act = acts[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

if (screen) {
  document.addEventListener("keydown", onKey);
  here()?.scrollIntoView({ block: "nearest" });
}

// 换类目时，门类和期限跟着归档方案走；之后还可以改。
document.querySelector("[data-screen-class]")?.addEventListener("change", (event) => {
  const chosen = event.target.selectedOptions[0].dataset;
  document.getElementById("category").value = chosen.category;
  document.getElementById("retention").value = chosen.retention;
});
