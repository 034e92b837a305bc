// 2D structures: asked from the API when they come into view, in the colours of the theme, each once.

import { call } from "./api.js";
import { h } from "./dom.js";
import { isDark, onTheme } from "./theme.js";

const held = new Map();
const shown = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    sight.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "300px" });

/** A box of the given size (CSS pixels) in which the structure appears. */
export function drawing(smiles, width, height, name = "") {
  const fine = width < 180 ? 1.5 : 1; // drawn larger and shown smaller: thin lines in a small box
  const box = h("span", { class: "drawing", data: { smiles, width: Math.round(width * fine), height: Math.round(height * fine) }, role: "img", aria: { label: `Structure of ${name || smiles}` } });
  box.style.width = `${width}px`;
  box.style.aspectRatio = `${width} / ${height}`;
  shown.add(new WeakRef(box));
  sight.observe(box);
  return box;
}

async function draw(box) {
  const { smiles, width, height } = box.dataset;
  const query = new URLSearchParams({ smiles, width, height, dark: String(isDark()) });
  const path = `drawings.svg?${query}`;
  try {
    if (!held.has(path)) held.set(path, call(path).then((answer) => answer.blob()).then((blob) => URL.createObjectURL(blob)));
    const source = await held.get(path);
    const image = h("img", { src: source, alt: "", width: Number(width), height: Number(height), draggable: false });
    await image.decode();
    box.dataset.state = "drawn";
    box.replaceChildren(image);
  } catch (error) {
    if (!(error.status >= 400 && error.status < 500)) held.delete(path); // what cannot be drawn is not asked for again
    box.dataset.state = "failed";
    box.replaceChildren(h("span", { class: "none", text: "not drawn" }));
  }
}

onTheme(() => {
  for (const reference of shown) {
    const box = reference.deref();
    if (!box) shown.delete(reference);
    else if (box.isConnected && box.dataset.state) draw(box);
    else if (box.isConnected) sight.observe(box);
  }
});
