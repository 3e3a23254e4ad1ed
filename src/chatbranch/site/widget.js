/* The branch's chat box for another site's pages. It loads nothing until it is opened, and keeps and tells nothing. */
(() => {
  const me = document.currentScript;
  if (!me || document.querySelector("[data-chatbranch]")) return;
  const { origin } = new URL(me.src);
  const words = "WORDS";
  const wish = (me.dataset.lang || document.documentElement.lang || navigator.language || "zh").toLowerCase();
  const lang = !wish.startsWith("zh") ? "en" : /hant|tw|hk|mo/.test(wish) ? "zh-Hant" : "zh-Hans";
  const say = words[lang];

  const make = (tag, properties, ...inner) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...inner);
    return made;
  };

  const box = make("div", { lang });
  box.dataset.chatbranch = me.dataset.position === "left" ? "left" : "right";
  const root = box.attachShadow({ mode: "open" });
  const look = new CSSStyleSheet(); // no style attribute and no <style>: a strict policy of the site allows this
  look.replaceSync(`STYLE`);
  root.adoptedStyleSheets = [look];

  const address = `${origin}/chat/?lang=${lang}`;
  const button = make("button", { type: "button", className: "open", textContent: say.open, ariaHasPopup: "dialog", ariaExpanded: "false" });
  const close = make("button", { type: "button", className: "close", textContent: "×", ariaLabel: say.close });
  const apart = make("a", { href: address, target: "_blank", rel: "noopener", textContent: say.apart });
  const trouble = make("p", { hidden: true, textContent: say.trouble });
  trouble.role = "status";
  const dialog = make("dialog", { ariaLabel: say.title }, make("header", {}, make("strong", { textContent: say.title }), apart, close), trouble);

  let frame;
  const load = () => {
    frame = make("iframe", { title: say.title, src: `${address}&embed=1`, referrerPolicy: "origin" });
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox");
    dialog.append(frame);
    frame.waiting = setTimeout(() => (trouble.hidden = false), 10000); // the site is not on the branch's list, or it is offline
  };

  button.addEventListener("click", () => {
    if (!frame) load();
    dialog.showModal(); // keeps the focus within, and gives it back to the button
    button.ariaExpanded = "true";
    frame.focus();
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => (button.ariaExpanded = "false"));
  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
    if (event.data === "chatbranch:close") dialog.close();
    if (event.data === "chatbranch:ready") {
      clearTimeout(frame.waiting);
      trouble.hidden = true;
      if (root.activeElement !== frame) return;
      frame.blur(); // it had the focus before there was a page in it to give it to
      frame.focus();
    }
  });

  root.append(button, dialog);
  const show = () => document.body.append(box);
  document.body ? show() : addEventListener("DOMContentLoaded", show);
})();
