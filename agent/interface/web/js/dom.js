// Elements by function calls. Text always goes in as text nodes: nothing here or elsewhere parses a string as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h("button", { class: "button", on: { click }, aria: { label } }, "Stop"); null and false children are left out. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [key, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [name, run] of Object.entries(value)) element.addEventListener(name, run);
    else if (key === "aria") for (const [name, text] of Object.entries(value)) setAria(element, name, text);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "text") element.textContent = value;
    else if (key in element && !(element instanceof SVGElement) && key !== "list" && key !== "form") element[key === "class" ? "className" : key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setAria(element, name, value) {
  if (value === null || value === undefined) element.removeAttribute(`aria-${name}`);
  else element.setAttribute(`aria-${name}`, value);
}

/** Replace what stands in `element`. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  menu: "M2.5 4.5h12M2.5 8.5h12M2.5 12.5h12",
  plus: "M8.5 3v11M3 8.5h11",
  clip: "M13.8 7.9 8.6 13a3.3 3.3 0 0 1-4.7-4.6l5.5-5.5a2.2 2.2 0 0 1 3.1 3.1L7.2 11.3a1 1 0 0 1-1.5-1.4l4.6-4.6",
  send: "M8.5 14V3M4 7.5 8.5 3 13 7.5",
  stop: "M4.5 4.5h8v8h-8z",
  pause: "M6 4v9M11 4v9",
  play: "M5.5 3.8v9.4l7.4-4.7z",
  close: "M4.2 4.2l8.6 8.6M12.8 4.2l-8.6 8.6",
  sun: "M8.5 5.6a2.9 2.9 0 1 1 0 5.8 2.9 2.9 0 0 1 0-5.8zM8.5 1.5v1.6M8.5 13.9v1.6M1.5 8.5h1.6M13.9 8.5h1.6M3.6 3.6l1.1 1.1M12.3 12.3l1.1 1.1M3.6 13.4l1.1-1.1M12.3 4.7l1.1-1.1",
  moon: "M13.6 10.2A5.8 5.8 0 0 1 6.8 3.4a5.7 5.7 0 1 0 6.8 6.8z",
  down: "M8.5 3v8M5 8l3.5 3.5L12 8M3.5 14h10",
  copy: "M6 6h7.5v7.5H6zM3.5 11V3.5H11",
  search: "M7.5 3a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM11 11l3.5 3.5",
  out: "M10 3h4v4M14 3 8.5 8.5M12 9.5V14H3V5h4.5",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 17 17", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

/** A button of an icon alone; its label is what a screen reader says and the pointer shows. */
export function iconButton(name, label, click, props = {}) {
  return h("button", { type: "button", class: "icon", title: label, aria: { label }, on: { click }, ...props }, icon(name));
}

/** Runs `redraw` and gives the focus back to what it had, found again by its data-focus. */
export function keepingFocus(root, redraw) {
  const held = root.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  redraw();
  if (held) root.querySelector(`[data-focus="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

const announcer = document.getElementById("announcer");
let announced = 0;

/** One short line for screen readers, at most one every half second so that none is cut off. */
export function announce(text) {
  const wait = Math.max(0, announced + 500 - Date.now());
  announced = Date.now() + wait;
  setTimeout(() => { announcer.textContent = text; }, wait);
}

/** Calls made within one frame become one call in the next. Hidden pages get no frames, so a timer stands in. */
export function throttled(run, milliseconds = 0) {
  let waiting = null;
  return () => {
    if (waiting !== null) return;
    waiting = setTimeout(() => { waiting = null; run(); }, milliseconds || 16);
  };
}
