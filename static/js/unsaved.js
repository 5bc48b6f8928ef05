/* Keeps what is typed into <form data-keep="name"> in this tab until the form is accepted, so that a lost connection,
   an expired session or a stray tap loses nothing. Passwords, codes, files and hidden fields are never kept; another
   person signing in, and signing out, forgets everything. */
(() => {
  const PREFIX = "rung:";
  const person = document.body.dataset.person || "";
  const store = window.sessionStorage;
  const keys = () => Object.keys(store).filter((key) => key.startsWith(PREFIX));
  const read = (key) => { try { return JSON.parse(store.getItem(key)); } catch { return null; } };
  const keyOf = (form) => PREFIX + window.location.pathname + "#" + form.dataset.keep;
  const kept = (field) => field.name && !field.disabled && field.autocomplete !== "one-time-code"
    && !["hidden", "password", "file", "submit", "button"].includes(field.type);
  const fieldsOf = (form) => [...form.elements].filter(kept);

  const typed = (form) => fieldsOf(form).map((field) => (
    ["checkbox", "radio"].includes(field.type)
      ? [field.name, field.value, field.checked]
      : field.multiple ? [field.name, null, [...field.selectedOptions].map((option) => option.value)]
        : [field.name, null, field.value]));

  const put = (form, values) => values.forEach(([name, value, state]) => {
    const field = fieldsOf(form).find((one) => one.name === name && (value === null || one.value === value));
    if (!field) return;
    if (value !== null) field.checked = state;
    else if (field.multiple) [...field.options].forEach((option) => { option.selected = state.includes(option.value); });
    else field.value = state;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  const offer = (form, when, initial) => {
    const note = document.createElement("div");
    note.className = "kept";
    note.setAttribute("role", "status");
    const words = document.createElement("span");
    words.textContent = `What you typed at ${when} was kept. It is not saved yet.`;
    const discard = document.createElement("button");
    discard.type = "button";
    discard.className = "btn btn-link btn-sm";
    discard.textContent = "Discard it";
    discard.addEventListener("click", () => { put(form, initial); store.removeItem(keyOf(form)); note.remove(); });
    note.append(words, discard);
    form.prepend(note);
  };

  const watched = new WeakSet();
  const watch = (form) => {
    if (watched.has(form)) return;
    watched.add(form);
    const key = keyOf(form);
    const entry = read(key);
    const refused = form.querySelector("[aria-invalid=true], .is-invalid") || document.querySelector("[data-take-focus]");
    const initial = typed(form);
    if (entry && !entry.sent && !refused) { put(form, entry.values); offer(form, entry.at, initial); }
    const keep = (sent) => store.setItem(key, JSON.stringify({
      person, sent, values: typed(form), at: new Date().toTimeString().slice(0, 5) }));
    form.addEventListener("input", () => keep(false));
    form.addEventListener("change", () => keep(false));
    form.addEventListener("submit", () => keep(true));
  };

  const whole = !document.body.hasAttribute("data-interrupted");  /* not an error page, not the sign-in */
  if (whole) {
    keys().filter((key) => read(key)?.person !== person).forEach((key) => store.removeItem(key));
    const here = [...document.querySelectorAll("form[data-keep]")].map(keyOf);
    /* Sent, and now a page without that form: it was accepted. */
    keys().filter((key) => read(key)?.sent && !here.includes(key)).forEach((key) => store.removeItem(key));
  }
  if (!whole) {
    /* An error page or the sign-in came instead of an answer: what was sent was not accepted. */
    keys().forEach((key) => store.setItem(key, JSON.stringify({ ...read(key), sent: false })));
  }
  document.querySelectorAll("form[data-forget]").forEach((form) => form.addEventListener("submit", () => keys().forEach((key) => store.removeItem(key))));
  /* After htmx has seen the page (its script stands before): what is put back may make it ask the server. */
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-keep]").forEach((form) => {
    const entry = read(keyOf(form));
    /* Sent, and the same form again without a fault: it was accepted, and this is a fresh one. */
    if (entry?.sent && !form.querySelector("[aria-invalid=true], .is-invalid")) store.removeItem(keyOf(form));
    watch(form);
  }));
  document.addEventListener("htmx:afterSettle", (event) => event.detail.elt.querySelectorAll("form[data-keep]").forEach(watch));
})();
