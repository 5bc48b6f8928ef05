/* A form that is filled in by a passkey: <form data-passkey="get | create"> with #passkey-options in it, a hidden field
   for the answer, a button, and a line that says what went wrong. webauthn-json.js does the conversation. */
document.querySelectorAll("form[data-passkey]").forEach((form) => {
  const options = JSON.parse(form.querySelector("script[type='application/json']").textContent);
  const say = (words) => { form.querySelector("[role=status]").textContent = words; };
  const ask = form.dataset.passkey === "create"
    ? () => window.webauthnJSON.create(options.creation_options)
    : () => window.webauthnJSON.get(options.request_options);
  form.querySelector("button").addEventListener("click", async () => {
    if (!window.webauthnJSON.supported()) { say("This browser knows no passkeys."); return; }
    say("Waiting for your passkey.");
    try {
      form.elements.credential.value = JSON.stringify(await ask());
      form.submit();
    } catch {
      say("The passkey did not answer. Try again, or use a code.");
    }
  });
});
