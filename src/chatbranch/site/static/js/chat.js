// The web chat: what the branch says arrives as server-sent events, what the reader says goes out by POST.
// Every message carries an id made here, so that sending again after a lost connection is taken once.

const page = document.querySelector("#chat");
const thread = document.querySelector("#thread");
const state = document.querySelector("#chat-state");
const form = document.querySelector("#chat-form");
const field = document.querySelector("#say");

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
    const response = await fetch("/connect/web/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
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
  const stream = new EventSource("/connect/web/stream");
  stream.addEventListener("message", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("open", () => {
    state.textContent = "";
    form.hidden = false; // only now: the first answer of the stream is what gives this reader their cookie
  });
  stream.addEventListener("error", () => (state.textContent = page.dataset.lost));
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
listen();
