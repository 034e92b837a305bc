// The bar on top: the title, which language front end and model are in use, dark mode, help. A small or offline front
// end is never passed off as more: what the server says about it is shown word for word.

import { get } from "./api.js";
import { h, iconButton, put } from "./dom.js";
import { bytes, number } from "./format.js";
import { inspect } from "./inspector.js";
import { facts } from "./provenance.js";
import { isDark, onTheme, switchTheme } from "./theme.js";
import { attempt } from "./toasts.js";

/** { title(text) }. `page`: { openSidebar(), help() }. */
export function topbarView(page) {
  const title = h("h1", { class: "title", text: "" });
  const front = h("button", { type: "button", class: "button small chip", text: "…", on: { click: () => attempt(explain) } });
  const theme = iconButton("moon", "Dark mode (d)", switchTheme, { id: "theme" });
  const paint = () => { put(theme, iconButton(isDark() ? "sun" : "moon", "", null).firstChild); theme.title = isDark() ? "Light mode (d)" : "Dark mode (d)"; theme.setAttribute("aria-label", theme.title); };
  put(document.getElementById("topbar"),
    iconButton("menu", "Conversations", page.openSidebar, { className: "icon menu" }), title,
    h("div", { class: "row push" }, front, theme, h("button", { type: "button", class: "icon", title: "Keys and help (?)", aria: { label: "Keys and help" }, text: "?", on: { click: page.help } })));
  onTheme(paint);
  paint();

  async function look() {
    let status;
    try { status = await get("status"); } catch { front.textContent = "no server"; return null; }
    const offline = status.llm.name === "offline";
    put(front, h("span", { class: `dot ${offline ? "plain-dot" : "model-dot"}`, aria: { hidden: "true" } }), h("span", { text: offline ? "Offline front end" : status.llm.name }), offline ? h("span", { class: "fine wide-only", text: "not a language model" }) : null);
    front.title = status.llm.statement;
    return status;
  }

  async function explain() {
    const now = await look();
    if (!now) return;
    const model = now.model || {};
    inspect("What is in use", h("div", { class: "full" },
      h("h3", { text: "Language front end" }), h("p", {}, h("b", { text: now.llm.name })), h("p", { text: now.llm.statement }),
      h("h3", { text: "Scientific model" }),
      Object.keys(model).length ? facts(flat(model)) : h("p", { class: "soft", text: "It is loaded at its first use; nothing has used it since the server started." }),
      h("h3", { text: "Search" }), h("p", { text: now.embeddings }),
      h("h3", { text: "Server" }), facts({ version: now.version, waiting: String(now.queue), room_left: bytes(now.home_free_bytes), largest_upload: now.max_upload_mb ? `${now.max_upload_mb} MiB` : "" })));
  }

  look();
  return { title: (text) => { title.textContent = text; document.title = text ? `${text} · Organon` : "Organon"; } };
}

const flat = (model) => Object.fromEntries(Object.entries(model).map(([name, value]) => [name, typeof value === "number" && !Number.isInteger(value) ? number(value) : value]));

/** The actions with the schemas of their arguments; {} while they are not known. */
export async function loadActions() {
  try { return Object.fromEntries((await get("actions")).map((action) => [action.name, action])); } catch { return {}; }
}
