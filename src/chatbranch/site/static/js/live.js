// A page that waits for members' verdict looks again by itself: [data-live] is fetched anew and shown when it changed.
// Told by the event stream of its case (data-case); where streams are blocked or full, it asks from time to time.

const EVERY = 15_000;
const SLOWEST = 120_000;
const watched = () => document.querySelector("[data-live]");
let wait = EVERY;

/** Fetches this page and replaces the watched part if its data-live value (the state shown) is another one. */
async function look() {
  const here = watched();
  const response = await fetch(location.href, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  const there = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-live]");
  if (!there || there.dataset.live === here.dataset.live) return;
  here.replaceWith(there);
  document.querySelector("#live-said")?.replaceChildren(there.dataset.said ?? "");
}

/** Looks now and then, ever more rarely while that fails; never while the page is in the background. */
async function askNowAndThen() {
  if (document.hidden) return document.addEventListener("visibilitychange", askNowAndThen, { once: true });
  try {
    await look();
    wait = EVERY;
  } catch {
    wait = Math.min(wait * 2, SLOWEST);
  }
  setTimeout(askNowAndThen, wait);
}

const code = watched()?.dataset.case;
if (code) {
  const stream = new EventSource(`/live/?case=${encodeURIComponent(code)}`);
  stream.addEventListener("message", () => look().catch(() => {}));
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(askNowAndThen, wait);
  });
}
