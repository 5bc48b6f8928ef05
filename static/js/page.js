/* Small manners of every page: focus the refusal, close menus, say when the server did not answer. */
(() => {
  const say = (words) => {
    const box = document.getElementById("messages");
    if (!box) return;
    const notice = document.createElement("div");
    const line = document.createElement("p");
    notice.className = "notice notice-error";
    line.textContent = words;
    notice.append(line);
    box.replaceChildren(notice);
  };

  const takeFocus = (root) => root.querySelector("[data-take-focus]")?.focus();
  takeFocus(document);
  document.addEventListener("htmx:afterSettle", (event) => takeFocus(event.detail.elt));
  document.addEventListener("htmx:sendError", () => say("The server could not be reached. What you typed is still here: try again when you are connected."));
  document.addEventListener("htmx:responseError", () => say("The server could not do that. What you typed is still here: reload the page, and tell the support if it happens again."));

  /* The session has ended: the sign-in came instead of the part that was asked for, and must not take its place. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!/<body[^>]*\sdata-interrupted/.test(event.detail.serverResponse)) return;
    event.detail.shouldSwap = false;
    say("You have been signed out. What you typed is still here, and is kept while you sign in again.");
  });

  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  /* A reply to what was asked before an answer was changed again has no say any more: it would put the old one back. */
  const overtaken = new WeakSet();
  document.addEventListener("change", (event) => {
    const asks = event.target.closest("[hx-sync='this:replace']");
    if (asks) overtaken.add(asks);
  });
  document.addEventListener("htmx:beforeRequest", (event) => overtaken.delete(event.detail.elt));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (overtaken.has(event.detail.requestConfig.elt)) event.detail.shouldSwap = false;
  });

  /* A second press of the same button sends nothing twice. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    window.setTimeout(() => { delete form.dataset.sent; }, 5000);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
  });

  document.querySelectorAll("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
})();
