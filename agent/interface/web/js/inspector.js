// The panel at the side: one thing at a time, in full. A sheet over the page where there is no room beside it.

import { h, iconButton, put } from "./dom.js";

const panel = document.getElementById("inspector");
let opener = null;
let leaving = null;

/** Show `body` under `title`. `onClose` is called when it is closed or something else is shown. */
export function inspect(title, body, { onClose = null, wide = false } = {}) {
  if (leaving) leaving();
  leaving = onClose;
  if (panel.hidden) opener = document.activeElement;
  const heading = h("h2", { tabindex: -1, text: title });
  put(panel, h("header", {}, heading, iconButton("close", "Close details (Esc)", closeInspector)), h("div", { class: "inside" }, body));
  panel.hidden = false;
  panel.classList.toggle("wide", wide);
  document.body.classList.add("inspecting");
  heading.focus({ preventScroll: true });
}

export function closeInspector() {
  if (panel.hidden) return false;
  if (leaving) leaving();
  leaving = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("inspecting");
  if (opener && opener.isConnected) opener.focus({ preventScroll: true });
  return true;
}
