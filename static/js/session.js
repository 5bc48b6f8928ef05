/* The end of a session: typing counts as being there; the end is said before it comes; then the sign-in takes the page's
   place, so that nobody who passes by reads on. What was typed is kept by unsaved.js and comes back. */
(() => {
  const body = document.body;
  if (!body.dataset.person || !body.dataset.stillHere) return;
  const MINUTE = 60000;
  const WARN_BEFORE = 2 * MINUTE;
  let ends = Date.now() + Number(body.dataset.sessionSeconds) * 1000;
  let touched = Date.now();
  let asked = Date.now();

  const note = document.createElement("div");
  note.className = "notice notice-warning session-note";
  note.hidden = true;
  note.setAttribute("role", "alert");
  const words = document.createElement("p");
  const stay = document.createElement("button");
  stay.type = "button";
  stay.className = "btn btn-primary btn-sm";
  stay.textContent = "Stay signed in";
  note.append(words, stay);
  document.getElementById("messages")?.after(note);

  const toSignIn = () => {
    const here = window.location.pathname + window.location.search;
    window.location.assign(`${body.dataset.signIn}?ended&next=${encodeURIComponent(here)}`);
  };

  const ask = async (present) => {
    asked = Date.now();
    const headers = { "X-CSRFToken": JSON.parse(body.getAttribute("hx-headers"))["X-CSRFToken"] };
    if (!present) headers["X-Nobody-There"] = "1";
    let seconds;
    try {
      const answer = await fetch(body.dataset.stillHere, { method: "POST", headers });
      if (!answer.ok) return;
      ({ seconds } = await answer.json());
    } catch { return; }  /* the server cannot be reached: what is typed stays, and it is asked again */
    if (seconds === 0) { toSignIn(); return; }
    ends = Date.now() + seconds * 1000;
    note.hidden = ends - Date.now() > WARN_BEFORE;
  };
  stay.addEventListener("click", () => ask(true));

  const touch = () => {
    touched = Date.now();
    if (touched - asked > MINUTE) ask(true);
  };
  ["input", "pointerdown", "keydown"].forEach((name) => document.addEventListener(name, touch, { passive: true }));

  /* What the page asks by itself, while nobody touches it, does not keep the session open. */
  document.addEventListener("htmx:configRequest", (event) => {
    if (Date.now() - touched > MINUTE) event.detail.headers["X-Nobody-There"] = "1";
  });

  const look = () => {
    const left = ends - Date.now();
    if (left <= 0) { ask(false); return; }  /* another tab may have kept it open */
    if (left > WARN_BEFORE) return;
    words.textContent = "You will be signed out within two minutes, because nobody seems to be there. What you typed is kept.";
    note.hidden = false;
  };
  window.setInterval(look, 5000);
  look();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - asked > 5000) ask(false); });
})();
