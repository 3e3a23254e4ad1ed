// What the desk gains when scripts run: it stays up to date by itself, can be worked by keyboard, and opens what a link
// points into. Without scripts everything still works: links, forms, a reload.

// ---- staying up to date: on an event about this page, fetch the page anew and swap what changed -------------------------

const line = document.querySelector("[data-live]");
const watched = line?.dataset.live.split(" ") ?? [];
let source;
let waiting;

/** Whether an event of the journal concerns this page: the queue follows all cases and notes, a case page its own. */
function concerns(event) {
  return watched.includes("queue") ? /^(case|note|objection|party)\./.test(event.kind) : watched.includes(event.subject);
}

/** A region in which somebody is writing is left alone; it is brought up to date by the next change, or a reload. */
function isBusy(region) {
  const fields = [...region.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((field) => field === document.activeElement || isChanged(field));
}

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.tagName === "SELECT") return [...field.options].some((each) => each.selected !== each.defaultSelected && each.defaultSelected);
  return field.value !== field.defaultValue;
}

/** Two renderings of a region are the same when they differ in nothing but the form tokens. */
const settled = (region) => region.innerHTML.replaceAll(/name="csrfmiddlewaretoken" value="[^"]*"/g, "").replaceAll(' open=""', "");

function swap(region, fresh) {
  const open = [...region.querySelectorAll("details[open][id]")].map((each) => each.id);
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? [...region.querySelectorAll(focused.tagName)].indexOf(focused) : -1;
  region.innerHTML = fresh.innerHTML;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (place >= 0) region.querySelectorAll(focused.tagName)[place]?.focus({ preventScroll: true });
}

async function refresh() {
  waiting = undefined;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return;
  if (answer.redirected) return location.reload(); // signed out meanwhile
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(page);
  const regions = [...page.querySelectorAll("[data-region][id]")];
  if (regions.some((fresh) => !document.getElementById(fresh.id))) return nobodyWrites() && location.reload();
  let changed = false;
  for (const fresh of regions) {
    const region = document.getElementById(fresh.id);
    if (settled(region) === settled(fresh) || isBusy(region)) continue;
    swap(region, fresh);
    changed = true;
  }
  if (changed) tell();
}

const nobodyWrites = () => !isBusy(document.body);

function tell() {
  const now = document.querySelector("[data-live]");
  now.textContent = now.dataset.said;
  setTimeout(() => (now.textContent = ""), 6000);
}

/** A flood of events costs one fetch a second at most. */
function soon() {
  waiting ??= setTimeout(refresh, 1000);
}

function listen() {
  source ??= new EventSource("/live/");
  source.onmessage = (message) => concerns(JSON.parse(message.data)) && soon();
}

if (line) {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = undefined;
    } else {
      listen();
      soon();
    }
  });
}

// ---- times by the reader's own clock: the server writes UTC ---------------------------------------------------------------

const { lang } = document.documentElement;
const clock = new Intl.DateTimeFormat(lang === "en" ? "en-GB" : lang, { dateStyle: "long", timeStyle: "short" });

function localise(part) {
  for (const time of part.querySelectorAll("time[data-clock]")) time.textContent = clock.format(new Date(time.dateTime));
}

localise(document);

// ---- links into folded parts open them ----------------------------------------------------------------------------------

function reveal(id) {
  const target = document.getElementById(id);
  if (!target) return;
  for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target.scrollIntoView({ block: "start" });
  return target;
}

addEventListener("hashchange", () => reveal(location.hash.slice(1)));
if (location.hash) reveal(location.hash.slice(1));
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link) reveal(link.hash.slice(1));
});

// ---- one more row -------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-another]");
  if (!button) return;
  const rows = button.parentElement.querySelectorAll(`.${button.dataset.another}`);
  const row = rows[rows.length - 1].cloneNode(true);
  for (const field of row.querySelectorAll("input")) field.value = "";
  button.before(row);
  row.querySelector("input").focus();
});

// ---- keys ---------------------------------------------------------------------------------------------------------------

const help = document.getElementById("keys");
const toggle = document.getElementById("keys-on");
const OFF = "desk-keys-off";
if (toggle) {
  toggle.checked = !localStorage.getItem(OFF);
  toggle.addEventListener("change", () => (toggle.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "yes")));
}

function move(step) {
  const stops = [...document.querySelectorAll("[data-stop]")].filter((stop) => stop.checkVisibility());
  const at = stops.findIndex((stop) => stop === document.activeElement || stop.contains(document.activeElement));
  const next = stops[at < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(stops.length - 1, Math.max(0, at + step))];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

function write(id) {
  const field = reveal(id)?.querySelector("input:not([type=hidden]), textarea");
  field?.scrollIntoView({ block: "center" });
  field?.focus({ preventScroll: true });
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => document.querySelector("[data-rate] [name=value]")?.focus(),
  e: () => write("add-evidence"),
  n: () => write("propose"),
  c: () => write("discussion"),
  u: () => document.querySelector("[data-up]")?.click(),
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key !== "?" && !toggle?.checked) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
