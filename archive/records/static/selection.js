// Ticks of a list, kept while one turns its pages; without scripts the ticks of this page count.

const MOST_KEPT = 2000;
const form = document.querySelector("[data-selection]");

/** The ticks kept for this list, in this window only. */
function keptFor(key) {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(key) || "[]"));
  } catch {
    return new Set();
  }
}

if (form) {
  const query = new URLSearchParams(window.location.search);
  query.delete("page");
  const key = `selection:${form.dataset.selection}:${query}`;
  const chosen = keptFor(key);
  const part = (name) => form.querySelector(`[data-part="${name}"]`);
  const boxes = [...form.querySelectorAll('input[name="ids"]')];
  const [all, whole, count, clear] = ["all", "page", "count", "clear"].map(part);

  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    whole.checked = ticked === boxes.length;
    whole.indeterminate = ticked > 0 && ticked < boxes.length;
    const number = chosen.size;
    count.textContent = number ? `已选 ${number} 份：` : "勾选要一起处理的文件：";
    clear.hidden = !number;
    try {
      sessionStorage.setItem(key, JSON.stringify([...chosen]));
    } catch {
      // a full or forbidden storage costs only the ticks of other pages
    }
  };

  const tick = (box) => {
    if (box.checked && chosen.size < MOST_KEPT) chosen.add(box.value);
    else {
      box.checked = false;
      chosen.delete(box.value);
    }
  };

  for (const box of boxes) {
    box.checked = chosen.has(box.value);
    box.addEventListener("change", () => {
      tick(box);
      if (all) all.checked = false;
      show();
    });
  }
  whole.hidden = false;
  whole.addEventListener("change", () => {
    for (const box of boxes) {
      box.checked = whole.checked;
      tick(box);
    }
    show();
  });
  clear.addEventListener("click", () => {
    chosen.clear();
    for (const box of boxes) box.checked = false;
    show();
  });
  form.addEventListener("submit", () => {
    form.querySelector('input[name="ids"][type="hidden"]')?.remove();
    const here = new Set(boxes.map((box) => box.value));
    const elsewhere = [...chosen].filter((id) => !here.has(id));
    if (!elsewhere.length || all?.checked) return;
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = "ids";
    field.value = elsewhere.join(",");
    form.append(field);
  });
  window.addEventListener("pageshow", show);
  show();
}
