// Verifies the proof of a log entry (C2SP tlog-proof) with WebCrypto: the entry's hash, the way to the root (RFC 9162,
// section 2.1.3.2), the signature of the checkpoint (C2SP signed-note, Ed25519), and the commitment to a verdict's words.

const encoder = new TextEncoder();
const bytes = (base64) => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
const unhex = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (each) => parseInt(each, 16));
const hex = (data) => [...data].map((each) => each.toString(16).padStart(2, "0")).join("");
const same = (one, other) => hex(one) === hex(other);

async function sha256(...parts) {
  const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** The parts of a proof file. */
export function read(text) {
  const gap = text.indexOf("\n\n");
  const [format, extra, index, ...hashes] = text.slice(0, gap).split("\n");
  if (format !== "c2sp.org/tlog-proof@v1" || !extra.startsWith("extra ") || !index.startsWith("index ")) {
    throw new Error("not a proof");
  }
  const note = text.slice(gap + 2);
  const end = note.lastIndexOf("\n\n");
  const [origin, size, root] = note.slice(0, end).split("\n");
  return {
    entry: bytes(extra.slice(6)),
    index: Number(index.slice(6)),
    hashes: hashes.map(bytes),
    signed: note.slice(0, end + 1),
    signatures: note.slice(end + 2).trimEnd().split("\n"),
    checkpoint: { origin, size: Number(size), root: bytes(root) },
  };
}

/** Whether the proof leads from its entry to the root of its checkpoint. */
export async function leads({ entry, index, hashes, checkpoint }) {
  if (!(index < checkpoint.size)) return false;
  let place = index;
  let last = checkpoint.size - 1;
  let found = await sha256(Uint8Array.of(0), entry);
  const half = (number) => Math.floor(number / 2);
  for (const hash of hashes) {
    if (last === 0) return false;
    if (place % 2 || place === last) {
      found = await sha256(Uint8Array.of(1), hash, found);
      while (place && place % 2 === 0) [place, last] = [half(place), half(last)];
    } else {
      found = await sha256(Uint8Array.of(1), found, hash);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && same(found, checkpoint.root);
}

/** Whether the key signed the checkpoint. Throws NotSupportedError where the browser has no Ed25519. */
export async function signed({ signed: text, signatures, checkpoint }, vkey) {
  const [name, id] = vkey.split("+", 2);
  const material = bytes(vkey.slice(name.length + id.length + 2));
  const rightId = (await sha256(encoder.encode(name + "\n"), material)).slice(0, 4);
  if (material.length !== 33 || material[0] !== 1 || hex(rightId) !== id || checkpoint.origin !== name) return false;
  const key = await crypto.subtle.importKey("raw", material.slice(1), { name: "Ed25519" }, false, ["verify"]);
  for (const line of signatures) {
    const [dash, signer, encoded] = line.split(" ");
    const signature = bytes(encoded ?? "");
    if (dash === "—" && signer === name && hex(signature.slice(0, 4)) === id) {
      return crypto.subtle.verify("Ed25519", key, signature.slice(4), encoder.encode(text));
    }
  }
  return false;
}

/** Whether salt and words give the commitment that stands in the entry. */
export async function committed(entry, salt, words) {
  return hex(await sha256(unhex(salt), encoder.encode(words))) === JSON.parse(new TextDecoder().decode(entry)).words;
}

const text = (id) => document.getElementById(id)?.textContent;
const show = (when) => document.querySelectorAll("[data-when]").forEach((each) => (each.hidden = each.dataset.when !== when));

async function check(list) {
  if (!globalThis.crypto?.subtle) return show("insecure");
  const proof = read(await (await fetch(list.dataset.proof)).text());
  const asked = {
    entry: async () => same(proof.entry, encoder.encode(text("leaf"))),
    tree: () => leads(proof),
    signature: () => signed(proof, list.dataset.vkey),
    words: () => committed(proof.entry, text("salt"), text("words")),
  };
  let outcome = "good";
  for (const line of list.querySelectorAll("[data-check]")) {
    let holds;
    try {
      holds = await asked[line.dataset.check]();
    } catch (problem) {
      if (problem.name !== "NotSupportedError") throw problem;
      if (outcome === "good") outcome = "no-ed25519";
      continue;
    }
    line.dataset.holds = holds;
    if (!holds) outcome = "bad";
  }
  show(outcome);
}

const list = document.getElementById("checks");
if (list) check(list).catch(() => show("bad"));
