// The web chat: what the branch says arrives as server-sent events, what the reader says goes out by POST.
// Every message carries an id made here, so that sending again after a lost connection is taken once.
// Embedded in another site, the reader's cookie may not come back; then this page keeps their token itself.

const page = document.querySelector("#chat");
const thread = document.querySelector("#thread");
const state = document.querySelector("#chat-state");
const form = document.querySelector("#chat-form");
const field = document.querySelector("#say");
const embedded = "embedded" in page.dataset;
const query = embedded ? `?embed=1&lang=${document.documentElement.lang}` : "";
let token = ""; // only where no cookie is kept

/** Adds one turn, or completes the one that is there already; links in our own turns can be followed. */
function show({ id, text, ours, at }) {
  const known = document.getElementById(`turn-${id}`);
  const turn = known ?? thread.appendChild(document.createElement("li"));
  turn.id = `turn-${id}`;
  turn.className = ours ? "turn turn-ours" : "turn";
  turn.replaceChildren(...(ours ? linked(text) : [text]), clock(at));
  if (!known) turn.scrollIntoView({ block: "nearest" });
  return turn;
}

/** The text as nodes, its http(s) addresses as links. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s“”（）()<>]+)/).map((part, i) => {
    if (i % 2 === 0) return part;
    const link = document.createElement("a");
    link.href = link.textContent = part;
    link.rel = "noopener nofollow";
    if (embedded) link.target = "_blank"; // our other pages stand within no site
    return link;
  });
}

function clock(at) {
  const time = document.createElement("time");
  const when = at ? new Date(at) : new Date();
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  return time;
}

/** Sends one message; if that fails, the turn itself becomes the button that tries again. */
async function send(text, id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`) {
  const turn = show({ id, text, ours: false });
  try {
    const response = await fetch(`/connect/web/messages${query}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...known() },
      body: JSON.stringify({ text, id }),
    });
    if (response.ok) return;
    const said = (await response.json().catch(() => ({})))?.error?.message;
    if (said) return show({ id: `${id}-refused`, text: said, ours: true });
    throw new Error(response.status);
  } catch {
    const again = document.createElement("button");
    again.type = "button";
    again.className = "link-button";
    again.textContent = page.dataset.unsent;
    again.addEventListener("click", () => send(text, id), { once: true });
    turn.append(again);
  }
}

function listen() {
  if (token) return follow();
  const stream = new EventSource(`/connect/web/stream${query}`);
  stream.addEventListener("message", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("open", opened);
  stream.addEventListener("error", () => (state.textContent = page.dataset.lost));
}

function opened() {
  state.textContent = "";
  form.hidden = false; // only now: the first answer of the stream is what gives this reader their cookie
  if (embedded && document.hasFocus()) field.focus();
}

// --- embedded ---

const known = () => (token ? { "Chatbranch-Reader": token } : {});

/** Finds out whether a cookie comes back; if not, takes the token that was in it, and keeps it as well as it can. */
async function introduce() {
  try {
    token = localStorage.getItem("reader") ?? "";
  } catch {} // a browser that lets embedded pages keep nothing
  for (let tries = 0; tries < 2 && !token; tries += 1) {
    const response = await fetch(`/connect/web/reader${query}`, { method: "POST" });
    if (response.status === 204) return;
    if (!response.ok) throw new Error(response.status);
    if (tries) token = (await response.json()).reader ?? "";
  }
  try {
    localStorage.setItem("reader", token);
  } catch {} // then it lasts as long as this page
}

/** The stream of somebody without a cookie: EventSource sends no headers, so it is read by hand. */
async function follow(last = "") {
  for (;;) {
    try {
      const headers = { ...known(), ...(last && { "Last-Event-ID": last }) };
      const response = await fetch(`/connect/web/stream${query}`, { headers });
      if (!response.ok) throw new Error(response.status);
      opened();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = "", part; !(part = await reader.read()).done; ) {
        const events = (rest + part.value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const said = /^data: (.*)$/m.exec(event);
          if (!said) continue;
          const turn = JSON.parse(said[1]);
          show(turn);
          last = turn.id;
        }
      }
    } catch {} // the connection was lost: again, from the last that was seen
    await pause();
  }
}

function pause() {
  state.textContent = page.dataset.lost;
  return new Promise((resolve) => setTimeout(resolve, 3000));
}

/** Tells the site's page, which holds nothing of ours but the frame, that we are there, or that Esc was pressed. */
const tell = (word) => parent.postMessage(`chatbranch:${word}`, "*");

async function begin() {
  if (embedded) {
    tell("ready");
    addEventListener("keydown", (event) => event.key === "Escape" && tell("close"));
    addEventListener("focus", () => form.hidden || field.focus());
    while (!(await introduce().then(() => true, () => false))) await pause();
  }
  listen();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return field.focus();
  field.value = "";
  field.focus();
  send(text);
});
field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
begin();
