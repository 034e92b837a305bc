"use strict";
// Table, theme and copying. The page is complete without this script: it only unhides what needs it.
(() => {
  const byId = (id) => document.getElementById(id);
  for (const element of document.querySelectorAll("#theme, #tools, .copy, .show")) element.hidden = false;

  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const remember = (value) => { try { localStorage.setItem("organon-theme", value); } catch { /* storage is off */ } };
  const recall = () => { try { return localStorage.getItem("organon-theme"); } catch { return null; } };
  const isDark = () => (root.dataset.theme || (systemDark.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => {
    byId("theme").textContent = isDark() ? "Light" : "Dark";
    dispatchEvent(new CustomEvent("organon-theme", { detail: { dark: isDark() } }));
  };
  if (["light", "dark"].includes(recall())) root.dataset.theme = recall();
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    nameTheme();
  });
  systemDark.addEventListener("change", nameTheme);
  nameTheme();

  const copyText = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) throw new Error("copying refused");
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const before = button.dataset.before || (button.dataset.before = button.textContent);
    try {
      await copyText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => { button.textContent = before; }, 1600);
  });

  const allDetails = () => [...document.querySelectorAll("details")];
  let closedBeforePrint = [];
  addEventListener("beforeprint", () => {
    closedBeforePrint = allDetails().filter((item) => !item.open);
    for (const item of closedBeforePrint) item.open = true;
  });
  addEventListener("afterprint", () => { for (const item of closedBeforePrint) item.open = false; });

  const table = byId("ranking");
  if (!table) return;
  const candidates = [...table.tBodies].filter((body) => body.classList.contains("candidate"));
  const headers = [...table.querySelectorAll("thead button[data-sort]")];
  const valueOf = (body, key) => (body.dataset[key] === "" ? null : Number(body.dataset[key]));
  let current = { key: "rank", descending: false };

  const sortBy = (key, descending) => {
    current = { key, descending };
    const sign = descending ? -1 : 1;
    const ordered = [...candidates].sort((a, b) => {
      const [x, y] = [valueOf(a, key), valueOf(b, key)];
      if (x === null || y === null) return (x === null) - (y === null) || valueOf(a, "rank") - valueOf(b, "rank");
      return sign * (x - y) || valueOf(a, "rank") - valueOf(b, "rank");
    });
    table.append(...ordered);
    for (const button of headers) {
      const cell = button.closest("th");
      if (button.dataset.sort === key) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
    const choice = byId("order");
    if ([...choice.options].some((option) => option.value === key)) choice.value = key;
  };
  const bestFirst = (key) => {
    const button = headers.find((item) => item.dataset.sort === key);
    return Boolean(button) && button.dataset.goal === "maximize";
  };
  for (const button of headers) {
    button.addEventListener("click", () => {
      const key = button.dataset.sort;
      sortBy(key, current.key === key ? !current.descending : bestFirst(key));
    });
  }
  byId("order").addEventListener("change", (event) => sortBy(event.target.value, bestFirst(event.target.value)));

  const texts = new Map(candidates.map((body) => [body, body.textContent.toLowerCase()]));
  const keeps = {
    "": () => true,
    pass: (d) => d.fail === "0" && d.unknown === "0" && d.pass !== "0",
    unknown: (d) => d.unknown !== "0",
    fail: (d) => d.fail !== "0",
  };
  const filter = () => {
    const wanted = byId("find").value.trim().toLowerCase();
    const keep = keeps[byId("verdicts").value];
    let shown = 0;
    for (const body of candidates) {
      const visible = keep(body.dataset) && texts.get(body).includes(wanted);
      body.hidden = !visible;
      shown += visible;
    }
    byId("shown").textContent = `${shown} of ${candidates.length} candidates shown`;
  };
  byId("find").addEventListener("input", filter);
  byId("verdicts").addEventListener("change", filter);
  byId("open-all").addEventListener("click", (event) => {
    const rows = [...table.querySelectorAll("details")];
    const open = rows.some((item) => !item.open);
    for (const item of rows) item.open = open;
    event.target.textContent = open ? "Close all rows" : "Open all rows";
  });
  sortBy("rank", false);
  filter();
})();
