// allauth reports a failed passkey ceremony as an event; people are told in words, beside the button.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const line of document.querySelectorAll("[data-passkey-problem]")) line.hidden = false;
});
