"use strict";
// Shows one docked pose in its pocket with Mol*, unpacked from this page when the view comes near the window.
(() => {
  const byId = (id) => document.getElementById(id);
  const box = byId("viewer");
  const note = byId("viewer-note");
  const choice = byId("pose");
  const isOn = (id) => Boolean(byId(id) && byId(id).checked);
  let scene = null;
  let structures = null;
  let starting = null;
  let drawing = Promise.resolve();
  let dark = false;

  const say = (state, text) => { box.dataset.state = state; note.textContent = text; };

  const unpack = async (id) => {
    const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  const runModule = (text) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.type = "module";
    script.textContent = text;
    const started = Date.now();
    const look = () => {
      if (window.organonMolstar) resolve(window.organonMolstar);
      else if (Date.now() - started > 60000) reject(new Error("the viewer did not start"));
      else setTimeout(look, 30);
    };
    document.head.append(script);
    look();
  });

  const start = async () => {
    say("loading", "Unpacking the 3D viewer");
    const style = document.createElement("style");
    style.textContent = await unpack("mol-style");
    document.head.prepend(style);
    structures = JSON.parse(await unpack("mol-structures"));
    const molstar = await runModule(await unpack("mol-script"));
    const target = document.createElement("div");
    target.style.cssText = "position:absolute;inset:0";
    box.append(target);
    scene = await globalThis.organonPocketScene(molstar, target);
    scene.paint(dark);
  };

  const draw = async (key) => {
    await scene.draw({
      complex: structures.receptor + structures.poses[key],
      chain: structures.chain,
      title: [...choice.options].find((option) => option.value === key).textContent,
      overlay: isOn("overlay") && key !== "reference" ? structures.poses.reference : "",
      labels: isOn("labels"),
    });
    say("ready", "");
    box.dataset.pose = key;
  };

  // Paper cannot print a WebGL canvas.
  const printCopy = () => {
    const image = byId("viewer-print");
    if (box.dataset.state !== "ready") return;
    image.src = scene.picture();
    image.hidden = false;
  };

  const show = (key) => {
    choice.value = key;
    drawing = drawing.then(async () => {
      try {
        if (!scene) await (starting || (starting = start()));
        if (choice.value === key) await draw(key);
      } catch (error) {
        say("failed", `The 3D view could not be shown: ${error.message || error}`);
      }
    });
    return drawing;
  };

  const step = (by) => {
    const next = (choice.selectedIndex + by + choice.options.length) % choice.options.length;
    show(choice.options[next].value);
  };
  choice.addEventListener("change", () => show(choice.value));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("recentre").addEventListener("click", () => { if (scene) scene.recentre(); });
  for (const id of ["overlay", "labels"]) if (byId(id)) byId(id).addEventListener("change", () => show(choice.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.show");
    if (!button) return;
    byId("view").scrollIntoView();
    show(button.dataset.show);
  });
  addEventListener("organon-theme", (event) => {
    dark = event.detail.dark;
    if (scene) scene.paint(dark);
    if (isOn("labels") && scene) show(choice.value);
  });
  addEventListener("beforeprint", printCopy);
  addEventListener("afterprint", () => { byId("viewer-print").hidden = true; });
  dark = getComputedStyle(document.body).backgroundColor !== "rgb(255, 255, 255)";
  new IntersectionObserver((seen, observer) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    if (!starting) show(choice.value);
  }, { rootMargin: "200px" }).observe(box);
})();
