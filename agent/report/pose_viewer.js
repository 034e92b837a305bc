"use strict";
// Shows one docked pose in its pocket with Mol*, unpacked from this page when the view comes near the window.
(() => {
  const COLORS = { protein: 0xb4bcc4, pocket: 0x98a2ab, ligand: 0x2a9d8f, reference: 0xc98a2b };
  const POCKET_RADIUS = 5;
  const byId = (id) => document.getElementById(id);
  const box = byId("viewer");
  const note = byId("viewer-note");
  const choice = byId("pose");
  const isOn = (id) => Boolean(byId(id) && byId(id).checked);
  let plugin = null;
  let structures = null;
  let starting = null;
  let drawing = Promise.resolve();
  let dark = false;
  let pocketView = null;

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
    const viewer = await molstar.Viewer.create(target, {
      extensions: [], layoutIsExpanded: false, layoutShowControls: false, layoutShowSequence: false,
      layoutShowLog: false, layoutShowLeftPanel: false, layoutShowRemoteState: false, viewportShowExpand: true,
      viewportShowControls: false, viewportShowSettings: false, viewportShowSelectionMode: false,
      viewportShowAnimation: false, viewportShowTrajectoryControls: false, volumeStreamingDisabled: true,
    });
    plugin = viewer.plugin;
    if (!plugin.canvas3d) throw new Error("this browser offers no WebGL");
    paintBackground();
  };

  const paintBackground = () => {
    if (plugin && plugin.canvas3d) {
      plugin.canvas3d.setProps({ renderer: { backgroundColor: dark ? 0x14181c : 0xffffff } });
    }
  };

  // Selections in MolScript's JSON form: the ligand's chain, and whole residues around it.
  const call = (name, args) => ({ head: { name }, args });
  const ligandQuery = (chain) => call("structure-query.generator.atom-groups", {
    "chain-test": call("core.rel.eq", [call("structure-query.atom-property.macromolecular.auth_asym_id"), chain]),
  });
  const aroundQuery = (chain) => call("structure-query.modifier.include-surroundings", {
    0: ligandQuery(chain), radius: POCKET_RADIUS, "as-whole-residues": true,
  });

  const elementColor = (carbon) => ({
    color: "element-symbol",
    colorParams: { carbonColor: { name: "uniform", params: { value: carbon, saturation: 0, lightness: 0 } } },
  });

  const load = async (text, label) => {
    const data = await plugin.builders.data.rawData({ data: text, label });
    const trajectory = await plugin.builders.structure.parseTrajectory(data, "pdb");
    const model = await plugin.builders.structure.createModel(trajectory);
    return plugin.builders.structure.createStructure(model);
  };

  const draw = async (key) => {
    const title = [...choice.options].find((option) => option.value === key).textContent;
    const add = plugin.builders.structure.representation;
    const part = plugin.builders.structure;
    await plugin.clear();
    const whole = await load(structures.receptor + structures.poses[key], title);
    const polymer = await part.tryCreateComponentStatic(whole, "polymer");
    if (polymer) {
      await add.addRepresentation(polymer, {
        type: "cartoon", typeParams: { alpha: 0.55 }, color: "uniform", colorParams: { value: COLORS.protein },
      });
    }
    const cofactor = await part.tryCreateComponentFromExpression(whole, call("structure-query.modifier.except-by", {
      0: call("structure-query.generator.atom-groups", {
        "entity-test": call("core.rel.eq", [call("structure-query.atom-property.macromolecular.entity-type"), "non-polymer"]),
      }),
      by: ligandQuery(structures.chain),
    }), "cofactor", { label: "Cofactors and metals" });
    if (cofactor) await add.addRepresentation(cofactor, { type: "ball-and-stick", color: "element-symbol" });
    const around = await part.tryCreateComponentFromExpression(whole, aroundQuery(structures.chain), "around", { label: "Pocket" });
    if (around) {
      await add.addRepresentation(around, { type: "ball-and-stick", typeParams: { sizeFactor: 0.12 }, ...elementColor(COLORS.pocket) });
      await add.addRepresentation(around, { type: "interactions", color: "interaction-type" });
      if (isOn("labels")) {
        await add.addRepresentation(around, { type: "label", typeParams: { level: "residue" }, color: "uniform", colorParams: { value: dark ? 0xd5dadf : 0x2b333b } });
      }
    }
    const ligand = await part.tryCreateComponentFromExpression(whole, ligandQuery(structures.chain), "ligand", { label: title });
    await add.addRepresentation(ligand, { type: "ball-and-stick", typeParams: { sizeFactor: 0.26 }, ...elementColor(COLORS.ligand) });
    if (isOn("overlay") && key !== "reference") {
      const other = await load(structures.poses.reference, "Reference");
      const all = await part.tryCreateComponentStatic(other, "all");
      await add.addRepresentation(all, { type: "ball-and-stick", typeParams: { sizeFactor: 0.18 }, ...elementColor(COLORS.reference) });
    }
    pocketView = { whole: whole.cell.obj.data, ligand: ligand.cell.obj.data };
    recentre();
    paintBackground();
    say("ready", "");
    box.dataset.pose = key;
  };

  // Look from the open side: the camera stands on the line from the protein's middle through the ligand.
  const recentre = () => {
    if (!plugin || !pocketView) return;
    const from = pocketView.whole.boundary.sphere.center;
    const sphere = pocketView.ligand.boundary.sphere;
    const direction = [0, 1, 2].map((i) => from[i] - sphere.center[i]);
    const up = Math.abs(direction[1]) > 0.9 * Math.hypot(...direction) ? [1, 0, 0] : [0, 1, 0];
    const snapshot = plugin.canvas3d.camera.getFocus(sphere.center, sphere.radius + 5, up, direction);
    plugin.canvas3d.requestCameraReset({ snapshot, durationMs: 0 });
  };

  // Paper cannot print a WebGL canvas: draw once more and copy the pixels before the frame is dropped.
  const printCopy = () => {
    const picture = byId("viewer-print");
    if (box.dataset.state !== "ready") return;
    plugin.canvas3d.requestDraw();
    plugin.canvas3d.tick(performance.now(), { isSynchronous: true });
    picture.src = box.querySelector("canvas").toDataURL("image/png");
    picture.hidden = false;
  };

  const show = (key) => {
    choice.value = key;
    drawing = drawing.then(async () => {
      try {
        if (!plugin) await (starting || (starting = start()));
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
  byId("recentre").addEventListener("click", recentre);
  for (const id of ["overlay", "labels"]) if (byId(id)) byId(id).addEventListener("change", () => show(choice.value));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.show");
    if (!button) return;
    byId("view").scrollIntoView();
    show(button.dataset.show);
  });
  addEventListener("organon-theme", (event) => {
    dark = event.detail.dark;
    paintBackground();
    if (isOn("labels") && plugin) show(choice.value);
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
