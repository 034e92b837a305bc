// Light or dark: the system's choice until the switch is used.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const watchers = new Set();

export const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

export function switchTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("organon-theme", root.dataset.theme); } catch { /* storage is off */ }
  for (const watch of watchers) watch(isDark());
}

export function onTheme(watch) {
  watchers.add(watch);
  return () => watchers.delete(watch);
}

system.addEventListener("change", () => { for (const watch of watchers) watch(isDark()); });
