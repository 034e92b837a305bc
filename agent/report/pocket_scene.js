"use strict";
// Draws one docked pose in its pocket, or a structure with a site marked in it, with Mol*. Shared by the report, which inlines it, and the page, which serves it.
// `globalThis.organonPocketScene(molstar, target)` -> { draw, recentre, paint, picture, dispose }; all lengths in Å.
globalThis.organonPocketScene = async (molstar, target) => {
  const COLORS = { protein: 0xb4bcc4, pocket: 0x98a2ab, ligand: 0x2a9d8f, reference: 0xc98a2b };
  const GROUND = { light: 0xffffff, dark: 0x14181c };
  const POCKET_RADIUS = 5;
  let dark = false;
  let pocketView = null;

  const viewer = await molstar.Viewer.create(target, {
    extensions: [], layoutIsExpanded: false, layoutShowControls: false, layoutShowSequence: false,
    layoutShowLog: false, layoutShowLeftPanel: false, layoutShowRemoteState: false, viewportShowExpand: true,
    viewportShowControls: false, viewportShowSettings: false, viewportShowSelectionMode: false,
    viewportShowAnimation: false, viewportShowTrajectoryControls: false, volumeStreamingDisabled: true,
  });
  const plugin = viewer.plugin;
  if (!plugin.canvas3d) throw new Error("this browser offers no WebGL");

  const paint = (isDark) => {
    dark = isDark;
    plugin.canvas3d.setProps({ renderer: { backgroundColor: dark ? GROUND.dark : GROUND.light } });
  };

  // Selections in MolScript's JSON form: the ligand's chain, and whole residues around it.
  const call = (name, args) => ({ head: { name }, args });
  const ligandQuery = (chain) => call("structure-query.generator.atom-groups", {
    "chain-test": call("core.rel.eq", [call("structure-query.atom-property.macromolecular.auth_asym_id"), chain]),
  });
  const aroundQuery = (chain) => call("structure-query.modifier.include-surroundings", {
    0: ligandQuery(chain), radius: POCKET_RADIUS, "as-whole-residues": true,
  });
  // Residues by name, such as "A:MET86".
  const residuesQuery = (names) => {
    const numbers = {};
    for (const [, chain, number] of names.map((name) => name.match(/^(.*):[A-Z]+(-?\d+)/i)).filter(Boolean)) (numbers[chain] ||= []).push(Number(number));
    return call("structure-query.combinator.merge", Object.entries(numbers).map(([chain, own]) => call("structure-query.generator.atom-groups", {
      "chain-test": call("core.rel.eq", [call("structure-query.atom-property.macromolecular.auth_asym_id"), chain]),
      "residue-test": call("core.set.has", [call("core.type.set", own), call("structure-query.atom-property.macromolecular.auth_seq_id")]),
    })));
  };
  const cofactorQuery = (chain) => call("structure-query.modifier.except-by", {
    0: call("structure-query.generator.atom-groups", {
      "entity-test": call("core.rel.eq", [call("structure-query.atom-property.macromolecular.entity-type"), "non-polymer"]),
    }),
    by: ligandQuery(chain),
  });

  const elementColor = (carbon) => ({
    color: "element-symbol",
    colorParams: { carbonColor: { name: "uniform", params: { value: carbon, saturation: 0, lightness: 0 } } },
  });

  const load = async (text, label, format = "pdb") => {
    const data = await plugin.builders.data.rawData({ data: text, label });
    const trajectory = await plugin.builders.structure.parseTrajectory(data, format);
    const model = await plugin.builders.structure.createModel(trajectory);
    return plugin.builders.structure.createStructure(model);
  };

  /** `complex`: text of receptor and pose, the pose alone in `chain`, or of a structure without one (`chain` ""), whose
   *  `residues` are marked; `overlay`: PDB text of another pose, or "". */
  const draw = async ({ complex, chain, title, overlay = "", labels = false, residues = [], format = "pdb" }) => {
    const part = plugin.builders.structure;
    const add = part.representation;
    await plugin.clear();
    const whole = await load(complex, title, format);
    const polymer = await part.tryCreateComponentStatic(whole, "polymer");
    if (polymer) {
      await add.addRepresentation(polymer, {
        type: "cartoon", typeParams: { alpha: 0.55 }, color: "uniform", colorParams: { value: COLORS.protein },
      });
    }
    const cofactor = await part.tryCreateComponentFromExpression(whole, cofactorQuery(chain), "cofactor", { label: "Cofactors and metals" });
    if (cofactor) await add.addRepresentation(cofactor, { type: "ball-and-stick", color: "element-symbol" });
    const near = chain ? aroundQuery(chain) : residuesQuery(residues);
    const around = await part.tryCreateComponentFromExpression(whole, near, "around", { label: "Pocket" });
    if (around) {
      await add.addRepresentation(around, { type: "ball-and-stick", typeParams: { sizeFactor: 0.12 }, ...elementColor(chain ? COLORS.pocket : COLORS.ligand) });
      if (chain) await add.addRepresentation(around, { type: "interactions", color: "interaction-type" });
      if (labels) {
        await add.addRepresentation(around, { type: "label", typeParams: { level: "residue" }, color: "uniform", colorParams: { value: dark ? 0xd5dadf : 0x2b333b } });
      }
    }
    const ligand = chain ? await part.tryCreateComponentFromExpression(whole, ligandQuery(chain), "ligand", { label: title }) : null;
    if (ligand) await add.addRepresentation(ligand, { type: "ball-and-stick", typeParams: { sizeFactor: 0.26 }, ...elementColor(COLORS.ligand) });
    if (overlay) {
      const other = await load(overlay, "Reference");
      const all = await part.tryCreateComponentStatic(other, "all");
      await add.addRepresentation(all, { type: "ball-and-stick", typeParams: { sizeFactor: 0.18 }, ...elementColor(COLORS.reference) });
    }
    pocketView = { whole: whole.cell.obj.data, middle: (ligand || around || whole).cell.obj.data };
    recentre();
    paint(dark);
  };

  // Look from the open side: the camera stands on the line from the protein's middle through the ligand or site.
  const recentre = () => {
    if (!pocketView) return;
    const from = pocketView.whole.boundary.sphere.center;
    const sphere = pocketView.middle.boundary.sphere;
    const inward = [0, 1, 2].map((i) => from[i] - sphere.center[i]);
    const direction = Math.hypot(...inward) > 0.1 ? inward : [0, 0, -1];
    const up = Math.abs(direction[1]) > 0.9 * Math.hypot(...direction) ? [1, 0, 0] : [0, 1, 0];
    const snapshot = plugin.canvas3d.camera.getFocus(sphere.center, sphere.radius + 5, up, direction);
    plugin.canvas3d.requestCameraReset({ snapshot, durationMs: 0 });
  };

  /** The view as a PNG data address: drawn once more, and copied before the frame is dropped. */
  const picture = () => {
    plugin.canvas3d.requestDraw();
    plugin.canvas3d.tick(performance.now(), { isSynchronous: true });
    return target.querySelector("canvas").toDataURL("image/png");
  };

  return { draw, recentre, paint, picture, dispose: () => plugin.dispose() };
};
