/* A slider and its number are one: whichever is moved, the other follows. */
(() => {
  const slides = new Map([...document.querySelectorAll("[data-slides]")].map((slider) => [slider.dataset.slides, slider]));
  const follow = () => slides.forEach((slider, id) => { slider.value = document.getElementById(id).value; });
  document.addEventListener("input", (event) => {
    const moved = event.target;
    if (moved.dataset?.slides) document.getElementById(moved.dataset.slides).value = moved.value;
    else if (slides.has(moved.id)) slides.get(moved.id).value = moved.value;
  });
  window.addEventListener("pageshow", follow);  // what the browser or the tab has kept stands in the numbers
})();
