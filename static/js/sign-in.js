/* In a demonstration: choosing a person fills the form in. */
document.querySelectorAll("[data-fill]").forEach((button) => button.addEventListener("click", () => {
  const field = (name) => document.querySelector(`[name="${name}"]`);
  field("username").value = button.dataset.fill;
  field("password").value = button.dataset.password;
  (button.dataset.password ? document.querySelector("main form button") : field("password")).focus();
}));
