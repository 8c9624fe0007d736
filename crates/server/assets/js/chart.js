// @ts-check
// The chart of doses by day, drawn from the table below it: the same numbers, one source.

import uPlot from "../vendor/uplot/uPlot.esm.js";

/** A colour for each turn, dark to light and back, so that neighbours differ without colour, too. */
const COLOURS = ["#0017c1", "#ff8d44", "#197a4b", "#cda6ff", "#a90000", "#79e2f2", "#666666"];
const HEIGHT = 320;
const DAY_SECONDS = 86_400;
/** Beyond so many days a bar stands for a week: narrower ones cannot be told apart. */
const DAYS_MAX = 120;
/** Beyond so many days the axis names months and years instead of days. */
const DAYS_NAMED_MAX = 300;

const frame = document.querySelector("#chart");
const table = document.getElementById(frame instanceof HTMLElement ? frame.dataset.table ?? "" : "");
if (frame instanceof HTMLElement && table instanceof HTMLTableElement) draw(frame, table);

/**
 * @param {HTMLElement} frame
 * @param {HTMLTableElement} table
 */
function draw(frame, table) {
  const names = [...table.tHead?.rows[0]?.cells ?? []].slice(1, -1).map((cell) => cell.textContent ?? "");
  const rows = [...table.tBodies[0]?.rows ?? []].map((row) => ({
    day: Date.parse(`${row.dataset.day}T00:00:00Z`) / 1000,
    counts: [...row.querySelectorAll("td[data-count]")].map((cell) => Number(cell instanceof HTMLElement ? cell.dataset.count : 0)),
  }));
  const days = (rows[rows.length - 1].day - rows[0].day) / DAY_SECONDS + 1;
  const byWeek = days > DAYS_MAX;
  const { times, counts } = sums(rows, names.length, byWeek ? 7 : 1);
  frame.hidden = false;
  frame.setAttribute("role", "img");
  frame.setAttribute("aria-label", frame.dataset.label ?? "");
  const first = byWeek ? frame.dataset.week : frame.dataset.day;
  const chart = new uPlot(options([first ?? "", ...names], counts, days), [times, ...stacked(counts)], frame);
  new ResizeObserver(() => chart.setSize({ width: inner(frame), height: HEIGHT })).observe(frame);
  // With the chart in view the table may wait; without a script it is open.
  document.querySelector("[data-fold]")?.removeAttribute("open");
}

/** @param {HTMLElement} frame */
function inner(frame) {
  const style = getComputedStyle(frame);
  return Math.floor(frame.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
}

/**
 * The doses of every day (or week, from Monday) from the first to the last; one without a row has none.
 * @param {{ day: number, counts: number[] }[]} rows
 * @param {number} turns
 * @param {number} width in days
 */
function sums(rows, turns, width) {
  // 5 January 1970 was a Monday.
  const monday = 4 * DAY_SECONDS;
  const step = width * DAY_SECONDS;
  const begin = (/** @type {number} */ day) => width === 1 ? day : Math.floor((day - monday) / step) * step + monday;
  const last = begin(rows[rows.length - 1].day);
  const times = [];
  for (let time = begin(rows[0].day); time <= last; time += step) times.push(time);
  const counts = Array.from({ length: turns }, () => times.map(() => 0));
  for (const row of rows) {
    const at = (begin(row.day) - times[0]) / step;
    row.counts.forEach((count, turn) => { counts[turn][at] += count; });
  }
  return { times, counts };
}

/**
 * Each turn on top of those before it; the highest pile is drawn first.
 * @param {number[][]} counts
 */
function stacked(counts) {
  /** @type {number[][]} */
  const piles = [];
  for (const turn of counts) piles.push(turn.map((count, at) => count + (piles[piles.length - 1]?.[at] ?? 0)));
  return piles.reverse();
}

/**
 * @param {string[]} names the axis, then the turns
 * @param {number[][]} counts
 * @param {number} days
 */
function options([axis, ...names], counts, days) {
  const date = (/** @type {number} */ seconds) => new Date(seconds * 1000).toISOString().slice(0, 10).replaceAll("-", "/");
  const short = (/** @type {number} */ seconds) => days > DAYS_NAMED_MAX ? date(seconds).slice(0, 7) : date(seconds).slice(5);
  const bars = uPlot.paths.bars({ size: [0.8, 40], align: 0 });
  const font = "14px sans-serif";
  const series = names.map((label, turn) => ({
    label,
    stroke: COLOURS[turn % COLOURS.length],
    fill: COLOURS[turn % COLOURS.length],
    width: 0,
    paths: bars,
    points: { show: false },
    // The pile's height is drawn; the turn's own number is told.
    value: (/** @type {unknown} */ _, /** @type {unknown} */ __, /** @type {unknown} */ ___, /** @type {number | null} */ at) =>
      at === null ? "—" : (counts[turn]?.[at] ?? 0).toLocaleString("en"),
  }));
  return {
    width: 600,
    height: HEIGHT,
    // Days are civil days: no zone may move them.
    tzDate: (/** @type {number} */ seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: (/** @type {unknown} */ _, /** @type {number} */ least, /** @type {number} */ most) => [least - 4 * DAY_SECONDS, most + 4 * DAY_SECONDS] },
      y: { range: (/** @type {unknown} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, Math.max(1, most * 1.05)] },
    },
    axes: [
      { font, space: 90, grid: { show: false }, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map(short),
        incrs: [1, 2, 3, 7, 14, 28, 56, 91, 182, 364].map((step) => step * DAY_SECONDS) },
      { font, size: 80, values: (/** @type {unknown} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => Number.isInteger(tick) ? tick.toLocaleString("en") : "") },
    ],
    series: [
      { label: axis, value: (/** @type {unknown} */ _, /** @type {number | null} */ seconds) => seconds === null ? "—" : date(seconds) },
      ...series.reverse(),
    ],
  };
}
