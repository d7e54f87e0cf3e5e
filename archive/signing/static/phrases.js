// Ready phrases: one click fills the opinion, nothing is submitted.
for (const button of document.querySelectorAll("[data-phrase]")) {
  button.addEventListener("click", () => {
    const target = document.getElementById(button.dataset.phraseTarget);
    target.value = button.dataset.phrase;
    target.focus();
  });
}
