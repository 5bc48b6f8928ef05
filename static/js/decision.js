// On the decision form: show the one sentence that is being signed, and ask for a cohort's size only where there is one.
(() => {
  const form = document.querySelector("[data-decide]");
  if (!form) return;
  const sentences = form.querySelectorAll("[data-statement]");
  const withDose = form.querySelector("[data-with-dose]");
  const without = ["hold", "stop"];
  const show = () => {
    const chosen = form.querySelector("input[name=choice]:checked");
    const value = chosen ? chosen.value : "";
    sentences.forEach((sentence) => { sentence.hidden = sentence.dataset.statement !== value; });
    if (withDose) withDose.hidden = without.includes(value);
  };
  form.addEventListener("change", show);
  show();
})();
