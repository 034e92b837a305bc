// Small charts in SVG: the best value so far by round, and how many candidates each stage of the funnel let through.

import { h, svg } from "./dom.js";
import { label, number, plural, stageLabel, unit } from "./format.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [240, 92, 40, 10, 8, 18];

/** Best so far over rounds: `points` [{round, value}], `reference` a value to compare with, or null. */
export function curve({ name, unitName, points, reference = null, goal = "" }) {
  const values = points.map((point) => point.value).concat(reference === null ? [] : [reference]);
  const [low, high] = margins(Math.min(...values), Math.max(...values));
  const [from, to] = [points[0].round, Math.max(points.at(-1).round, points[0].round + 1)];
  const x = (round) => LEFT + ((round - from) / (to - from)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const steps = points.map((point, index) => (index ? `H${x(point.round).toFixed(1)}V${y(point.value).toFixed(1)}` : `M${x(point.round).toFixed(1)},${y(point.value).toFixed(1)}`)).join("");
  const units = unit(unitName || "");
  const words = `${label(name)}, best so far: ${points.map((point) => `round ${point.round} ${number(point.value)}`).join(", ")}`;
  return h("figure", { class: "curve" },
    h("figcaption", {}, h("b", { text: label(name) }), h("span", { class: "best", text: `${number(points.at(-1).value)} ${units}` })),
    h("p", { class: "fine", text: [{ minimize: "lower is better", maximize: "higher is better" }[goal], reference === null ? "" : `dashed: reference ${number(reference)}`].filter(Boolean).join("; ") }),
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      [low, (low + high) / 2, high].map((value) => [
        svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
        svg("text", { class: "tick", x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, number(Number(value.toPrecision(3)))),
      ]),
      rounds(from, to).map((round) => svg("text", { class: "tick", x: x(round), y: HEIGHT - 6, "text-anchor": "middle" }, String(round))),
      reference === null ? null : svg("line", { class: "ref", x1: LEFT, x2: WIDTH - RIGHT, y1: y(reference), y2: y(reference) }, svg("title", {}, `reference ${number(reference)}`)),
      svg("path", { class: "line", d: steps }),
      points.map((point) => svg("circle", { class: "dot", cx: x(point.round), cy: y(point.value), r: 2.6 }, svg("title", {}, `round ${point.round}: ${number(point.value)} ${units}`)))));
}

function margins(low, high) {
  const margin = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

function rounds(from, to) {
  const step = Math.max(1, Math.ceil((to - from) / 6));
  const out = [];
  for (let round = from; round <= to; round += step) out.push(round);
  return out;
}

const FINALISTS = /^finalists: (.+?) \((.+)\)$/;

/** The funnel: a bar a stage with what was lost and why. Its length is the logarithm of how many entered, its colours
 *  how they fared. The finalists' second, more careful docking folds into one line. `widest`: how many a full bar stands for,
 *  where funnels are compared. */
export function funnel(stages, widest = 1) {
  const first = stages.filter((stage) => !FINALISTS.test(stage.stage));
  const again = stages.filter((stage) => FINALISTS.test(stage.stage));
  const most = Math.max(widest, ...first.map((stage) => stage.in));
  const lines = stageLines(first, most);
  if (!again.length) return h("ol", { class: "funnel" }, lines);
  const how = again[0].stage.match(FINALISTS)[2];
  const named = again.map((stage) => ({ ...stage, stage: stage.stage.match(FINALISTS)[1] }));
  return h("ol", { class: "funnel" }, lines, h("li", {}, h("details", {},
    h("summary", { class: "stage-line" }, h("span", { class: "what", text: "Finalists again" }), h("span", { class: "fine", text: how }), h("span", { class: "counts" }, h("b", { text: named.at(-1).passed }), h("span", { class: "fine", text: ` of ${named[0].in}` }))),
    h("ol", { class: "again" }, stageLines(named, most)))));
}

function stageLines(stages, most) {
  return stages.map((stage) => {
    const bar = h("span", { class: "bar", aria: { hidden: "true" } }, [["pass", stage.passed], ["unknown", stage.unknown], ["fail", stage.failed]].map(([tone, n]) => {
      const part = h("i", { class: tone });
      part.style.width = `${((100 * n) / Math.max(1, stage.in)).toFixed(2)}%`;
      return part;
    }));
    bar.style.width = `${((100 * Math.log1p(stage.in)) / Math.log1p(most)).toFixed(1)}%`;
    const lost = stage.failed + stage.unknown;
    const reasons = Object.entries(stage.reasons || {}).sort((a, b) => b[1] - a[1]);
    const line = [h("span", { class: "what", text: stageLabel(stage.stage) }), bar,
      h("span", { class: "counts" }, h("b", { text: stage.passed }), h("span", { class: "fine", text: ` of ${stage.in}` }))];
    const more = [stage.not_selected ? `${stage.not_selected} passed before but were not sent on within the budget` : ""].filter(Boolean);
    if (!lost && !more.length) return h("li", {}, h("div", { class: "stage-line" }, line));
    return h("li", {}, h("details", {}, h("summary", { class: "stage-line", aria: { label: `${stageLabel(stage.stage)}: ${stage.passed} of ${stage.in} passed, ${plural(lost, "loss", "losses")}` } }, line),
      h("ul", { class: "why" }, reasons.slice(0, 12).map(([reason, n]) => h("li", {}, h("span", { class: "num", text: n }), " ", reason)), reasons.length > 12 ? h("li", { class: "fine", text: `and ${reasons.length - 12} more reasons` }) : null, more.map((text) => h("li", { class: "fine", text })))));
  });
}

const [STRIP_WIDTH, STRIP_ROW, STRIP_LEFT] = [170, 16, 16];

/** How one score is distributed in two runs, on one scale: the quartiles as a bar with the median, the best as a dot. */
export function spread({ a, b }) {
  const values = [a, b].flatMap((sample) => [sample.best, ...(sample.quartiles || [])]);
  const [low, high] = margins(Math.min(...values), Math.max(...values));
  const x = (value) => STRIP_LEFT + ((value - low) / (high - low)) * (STRIP_WIDTH - STRIP_LEFT);
  const words = (name, { quartiles, best }) => `${name}: best ${number(best)}${quartiles ? `, quartiles ${quartiles.map(number).join(", ")}` : ""}`;
  return svg("svg", { class: "spread", viewBox: `0 0 ${STRIP_WIDTH} ${2 * STRIP_ROW}`, role: "img", "aria-label": `${words("A", a)}; ${words("B", b)}` },
    [["A", a], ["B", b]].map(([name, sample], index) => {
      const middle = STRIP_ROW * (index + 0.5);
      const [first, median, third] = sample.quartiles || [];
      return svg("g", {}, svg("title", {}, words(name, sample)), svg("text", { x: 0, y: middle + 3.5 }, name),
        sample.quartiles ? [svg("rect", { x: x(first), y: middle - 4, width: Math.max(1, x(third) - x(first)), height: 8 }), svg("line", { x1: x(median), x2: x(median), y1: middle - 5, y2: middle + 5 })] : null,
        svg("circle", { cx: x(sample.best), cy: middle, r: 3 }));
    }));
}

/** What of a budget is used, as a bar with words. */
export function meter(name, used, limit, shown) {
  const bar = h("span", { class: "meter" }, h("i"));
  bar.firstChild.style.width = `${limit ? Math.min(100, (100 * used) / limit) : 0}%`;
  return h("div", { class: "budget" }, h("span", { class: "fine", text: name }), h("span", { class: "amount", text: shown }), limit ? bar : null);
}
