// The desk's one input keeps the focus: whatever is scanned while nothing else is being typed
// lands in it. After a refused act the scan box is selected, ready for the next barcode.

const box = document.querySelector("[data-desk-scan]");
const waitingEntry = document.querySelector(".desk-act [autofocus]");

function isTyping() {
  const active = document.activeElement;
  return Boolean(active?.closest("input, textarea, select, button, a, summary, dialog"));
}

(waitingEntry ?? box).focus();
if (!waitingEntry) box.select();

// A key struck on the bare page belongs to the scan box.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping()) return;
  if (event.key.length === 1 && event.key !== "/") box.focus();
});

// Escape leaves the form at hand and goes back to scanning.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  box.focus();
  box.select();
});

// A barcode scanned into the page count or the badge is meant for the scan box.
for (const entry of document.querySelectorAll(".desk-act input:not([type=radio])")) {
  entry.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !/^A\d{10}$/i.test(entry.value.trim())) return;
    event.preventDefault();
    box.value = entry.value.trim();
    box.form.requestSubmit();
  });
}
