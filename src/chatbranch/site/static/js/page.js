// What every page gains when scripts run: copy buttons, and one press of a button that sends once.

document.documentElement.classList.add("js");

/** Copies the text of the field a button names (data-copy="#id"), and says so on the button. */
async function copy(button) {
  const field = document.querySelector(button.dataset.copy);
  const text = field.value ?? field.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https, or inside a chat's own browser, the old way still works.
    field.select?.();
    document.execCommand("copy");
  }
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => (button.textContent = before), 2500);
}

/** Keeps a slow connection from sending a form twice; the button says that it is under way. */
function sendOnce(event) {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button?.dataset.busy) button.textContent = button.dataset.busy;
}

/** Shows on its button which picture was chosen. */
function nameFile(input) {
  const label = input.parentElement.querySelector("label");
  label.dataset.before ??= label.textContent;
  label.textContent = input.files[0]?.name ?? label.dataset.before;
}

document.addEventListener("change", (event) => {
  if (event.target.matches(".file > input")) nameFile(event.target);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
document.addEventListener("submit", (event) => {
  if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) sendOnce(event);
});
// Coming back with the browser's back button finds a form that can be sent again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
