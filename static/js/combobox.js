/* A text field with suggestions after the WAI-ARIA combobox pattern (list autocomplete, manual selection).
   <input data-combobox list="terms" [data-url="/terms/"]>. Without script it is a plain field with its datalist.
   With data-url it asks GET url?q=typed for {"results": [{"value", "label"?, "detail"?}]}; else it searches the datalist.
   Choosing puts the value in and fires "change" and "combobox:chosen" (detail: the result), which htmx can listen to. */
(() => {
  const WAIT = 150;
  const SHOWN = 12;

  const fromDatalist = (list) => (typed) => {
    const words = typed.toLowerCase().split(/\s+/);
    return Promise.resolve([...list.options]
      .map((option) => ({ value: option.value, detail: option.label === option.value ? "" : option.label }))
      .filter((one) => words.every((word) => one.value.toLowerCase().includes(word))).slice(0, SHOWN));
  };
  const fromServer = (url) => async (typed, signal) => {
    const address = new URL(url, window.location.href);
    address.searchParams.set("q", typed);
    const answer = await fetch(address, { headers: { Accept: "application/json" }, signal });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).results.slice(0, SHOWN);
  };

  const build = (input) => {
    const datalist = input.list;
    const search = input.dataset.url ? fromServer(input.dataset.url) : datalist && fromDatalist(datalist);
    if (!search || input.getAttribute("role") === "combobox") return;
    const list = document.createElement("ul");
    const status = document.createElement("span");
    const holder = document.createElement("div");
    let results = [];
    let at = -1;
    let timer = 0;
    let request = new AbortController();
    let told = null;  /* the value that was chosen, and told to whoever listens */

    holder.className = "combobox";
    list.className = "combobox-list";
    list.id = `${input.id}_options`;
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", input.labels?.[0]?.textContent.trim() || "Suggestions");
    status.className = "visually-hidden";
    status.setAttribute("role", "status");
    input.removeAttribute("list");
    input.autocomplete = "off";
    const setAll = (attributes) => Object.entries(attributes).forEach(([name, value]) => input.setAttribute(name, value));
    setAll({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id });
    input.replaceWith(holder);
    holder.append(input, list, status);

    const close = () => {
      window.clearTimeout(timer);
      request.abort();
      list.hidden = true;
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (index) => {
      at = index;
      [...list.children].forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
      if (at < 0) { input.removeAttribute("aria-activedescendant"); return; }
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    };
    const choose = (index) => {
      const result = results[index];
      close();
      input.value = told = result.value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      window.clearTimeout(timer);
      input.dispatchEvent(new Event("change", { bubbles: true }));
      input.dispatchEvent(new CustomEvent("combobox:chosen", { bubbles: true, detail: result }));
    };
    const row = (result, index) => {
      const item = document.createElement("li");
      item.id = `${list.id}_${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.textContent = result.label || result.value;
      if (result.detail) {
        const detail = document.createElement("small");
        detail.textContent = result.detail;
        item.append(detail);
      }
      item.addEventListener("pointerdown", (event) => event.preventDefault());
      item.addEventListener("click", () => choose(index));
      return item;
    };
    const show = (found) => {
      results = found;
      at = -1;
      list.replaceChildren(...found.map(row));
      list.hidden = found.length === 0;
      input.setAttribute("aria-expanded", String(found.length > 0));
      input.removeAttribute("aria-activedescendant");
      status.textContent = found.length ? `${found.length} suggestion${found.length > 1 ? "s" : ""}` : "No suggestion";
    };
    const ask = async () => {
      request.abort();
      request = new AbortController();
      const { signal } = request;
      const typed = input.value.trim();
      if (typed.length < 2) { close(); return; }
      try {
        const found = await search(typed, signal);
        if (!signal.aborted) show(found);
      } catch (error) {
        if (error.name !== "AbortError") close();  /* the field still takes what is typed */
      }
    };

    input.addEventListener("input", (event) => {
      if (!event.isTrusted) return;  /* ours, after choosing */
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, WAIT);
    });
    input.addEventListener("change", (event) => {
      /* Leaving the field, the browser tells what was chosen once more: what has been filled in since would be lost. */
      if (event.isTrusted && input.value === told) event.stopPropagation();
      else if (event.isTrusted) told = null;
    });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      const open = !list.hidden;
      const last = results.length - 1;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!open) { ask(); return; }
        const down = event.key === "ArrowDown";
        mark(down ? (at === last ? 0 : at + 1) : (at <= 0 ? last : at - 1));
      } else if (event.key === "Enter" && open && at >= 0) {
        event.preventDefault();
        choose(at);
      } else if (event.key === "Escape" && open) {
        event.preventDefault();
        event.stopPropagation();
        close();
      } else if (event.key === "Tab" && open && at >= 0) {
        choose(at);
      }
    });
  };

  const start = (root) => root.querySelectorAll("input[data-combobox]").forEach(build);
  start(document);
  document.addEventListener("htmx:afterSettle", (event) => start(event.detail.elt));
})();
