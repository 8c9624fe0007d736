// @ts-check
// The chart of doses by day, drawn from the table below it: the same numbers, one source.

import uPlot from "../vendor/uplot/uPlot.esm.js";

/** A colour and a dash for each turn: told apart without colour, too. */
const STROKES = [
  { stroke: "#0017c1", dash: [] },
  { stroke: "#e25100", dash: [10, 4] },
  { stroke: "#197a4b", dash: [3, 3] },
  { stroke: "#8843e1", dash: [12, 3, 3, 3] },
  { stroke: "#a90000", dash: [6, 6] },
  { stroke: "#008299", dash: [2, 5] },
  { stroke: "#666666", dash: [16, 4] },
];
const HEIGHT = 320;
const DAY_SECONDS = 86_400;

const frame = document.querySelector("#chart");
const table = document.getElementById(frame instanceof HTMLElement ? frame.dataset.table ?? "" : "");
if (frame instanceof HTMLElement && table instanceof HTMLTableElement) draw(frame, table);

/**
 * @param {HTMLElement} frame
 * @param {HTMLTableElement} table
 */
function draw(frame, table) {
  const names = [...table.tHead?.rows[0]?.cells ?? []].slice(1, -1).map((cell) => cell.textContent ?? "");
  const rows = new Map([...table.tBodies[0]?.rows ?? []].map((row) => [
    Date.parse(`${row.dataset.day}T00:00:00Z`) / 1000,
    [...row.querySelectorAll("td[data-count]")].map((cell) => Number(cell instanceof HTMLElement ? cell.dataset.count : 0)),
  ]));
  const days = everyDay([...rows.keys()]);
  // A day without a row is a day without doses, not a gap.
  const series = names.map((_, turn) => days.map((day) => rows.get(day)?.[turn] ?? 0));
  frame.hidden = false;
  frame.setAttribute("role", "img");
  frame.setAttribute("aria-label", frame.dataset.label ?? "");
  const chart = new uPlot(options(names, frame.clientWidth), [days, ...series], frame);
  new ResizeObserver(() => chart.setSize({ width: inner(frame), height: HEIGHT })).observe(frame);
  // With the chart in view the table may wait; without a script it is open.
  document.querySelector("[data-fold]")?.removeAttribute("open");
}

/** @param {HTMLElement} frame */
function inner(frame) {
  const style = getComputedStyle(frame);
  return Math.floor(frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
}

/** @param {number[]} known */
function everyDay(known) {
  const days = [];
  for (let day = Math.min(...known); day <= Math.max(...known); day += DAY_SECONDS) days.push(day);
  return days;
}

/**
 * @param {string[]} names
 * @param {number} width
 */
function options(names, width) {
  const date = (/** @type {number} */ seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  return {
    width,
    height: HEIGHT,
    // Days are civil days: no zone may move them.
    tzDate: (/** @type {number} */ seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { y: { range: (/** @type {unknown} */ _, /** @type {number} */ _least, /** @type {number} */ most) => [0, Math.max(1, most * 1.05)] } },
    axes: [
      { values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => date(tick).slice(5).replace("-", "/")), space: 70, incrs: [1, 2, 3, 7, 14, 28, 56, 91, 182, 364].map((days) => days * DAY_SECONDS), font: "14px sans-serif" },
      { values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => Number.isInteger(tick) ? tick.toLocaleString("en") : ""), size: 80, font: "14px sans-serif" },
    ],
    series: [
      { value: (/** @type {unknown} */ _, /** @type {number | null} */ seconds) => seconds === null ? "—" : date(seconds) },
      ...names.map((label, turn) => {
        const { stroke, dash } = STROKES[turn % STROKES.length] ?? STROKES[0];
        return { label, stroke, dash, width: 2, points: { show: true, size: 6, fill: stroke } };
      }),
    ],
  };
}
