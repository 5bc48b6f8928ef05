/* The workbench: a slider and its number are one; what is wrong stands beside its field; the address follows. */
(() => {
  const bench = () => document.getElementById("bench");
  const area = () => document.getElementById("answer-area");

  /* Before htmx hears of it, so that it sends what the slider says. */
  document.addEventListener("input", (event) => {
    const moved = event.target;
    if (moved.dataset?.slides) document.getElementById(moved.dataset.slides).value = moved.value;
    else if (moved.name === "p") document.querySelector(`[data-slides="${moved.id}"]`).value = moved.value;
  }, true);

  const tell = (place, words) => {
    const box = document.getElementById(place.id.replace(/^fault-/, ""));
    place.textContent = words;
    if (!box) return;
    if (words) box.setAttribute("aria-invalid", "true"); else box.removeAttribute("aria-invalid");
    const folded = words && box.closest("details");
    if (folded) folded.open = true;
  };
  const showFaults = (faults) => {
    bench().querySelectorAll("[id^='fault-']").forEach((place) => tell(place, faults[place.id.slice("fault-".length)] ?? ""));
    const some = Object.keys(faults).length > 0;
    area().classList.toggle("is-stale", some);
    document.getElementById("answer-note").hidden = !some;
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (target.id !== "answer") return;
    if (xhr.status === 422) {
      event.detail.shouldSwap = false;
      showFaults(JSON.parse(xhr.responseText).faults);
    } else if (xhr.status === 200) showFaults({});
  });

  /* Fields that a button has changed say themselves what is wrong with them; the answer before stays, and says so. */
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "toxicity") return;
    const wrong = bench().querySelector("[aria-invalid]") !== null;
    area().classList.toggle("is-stale", wrong);
    document.getElementById("answer-note").hidden = !wrong;
  });

  /* The first answer about a large design takes its time; one that comes at once needs no word. */
  let slow = 0;
  const working = (now) => { document.getElementById("working").hidden = !now; };
  document.addEventListener("htmx:beforeRequest", () => {
    window.clearTimeout(slow);
    slow = window.setTimeout(working, 600, true);
  });
  document.addEventListener("htmx:afterRequest", () => {
    window.clearTimeout(slow);
    working(false);
  });

  /* Not with every movement: browsers allow only so many changes of the address. */
  let waiting = 0;
  const follow = () => {
    const query = document.querySelector("[data-query]")?.dataset.query;
    if (query && !area().classList.contains("is-stale")) window.history.replaceState(window.history.state, "", `?${query}`);
  };
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "answer") return;
    window.clearTimeout(waiting);
    waiting = window.setTimeout(follow, 400);
  });
})();
