// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Scales, ticks, paths and frames of the charts.
import { bytes, duration, el, svg } from "./text.js";

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

function scale(from, to, start, end) {
	const at = (v) => start + (v - from) / (to - from || 1) * (end - start);
	at.invert = (p) => from + (p - start) / (end - start) * (to - from);
	return at;
}

// From 0 on, 1, 2 or 5 times a power of 10 apart.
function ticks(max, n) {
	const rough = max / n, ten = 10 ** Math.floor(Math.log10(rough));
	const step = ten * ([1, 2, 5].find((k) => k * ten >= rough) || 10);
	return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}

// Round in the unit that they are shown in.
function byteTicks(max, n) {
	let unit = 1;
	while (max / unit >= 1024)
		unit *= 1024;
	return ticks(max / unit, n).map((v) => v * unit);
}

// The path through points [x, y].
export function path(points) {
	return "M" + points.map(([x, y]) => x.toFixed(1) + " " + y.toFixed(1)).join("L");
}

function timeTicks(from, to, n) {
	const want = (to - from) / n;
	let step = STEPS.find((s) => s >= want);
	if (!step)
		step = Math.ceil(want / 86400) * 86400;
	const out = [];
	for (let t = Math.ceil((from - step / 50) / step) * step; t <= to; t += step)
		out.push(t);
	return out;
}

function timeText(s) {
	return s === 0 ? "0" : duration(s).replace(/ m 00 s$/, " m").replace(/ h 00 m$/, " h").replace(/ d 00 h$/, " d");
}

// { x, y, node, plot }: an empty chart with its axes.
export function frame({ width, height, from, to, max, format, label, left }) {
	const inset = { left: left || 64, right: 14, top: 12, bottom: 26 };
	const x = scale(from, to, inset.left, width - inset.right);
	const y = scale(0, max, height - inset.bottom, inset.top);
	const marks = format === bytes ? byteTicks(max, 5) : ticks(max, 3).filter(Number.isInteger);
	const node = svg("svg", { viewBox: "0 0 " + width + " " + height, width: "100%", role: "img", "aria-label": label, class: "chart" });
	for (const v of marks)
		node.append(svg("line", { class: "grid", x1: inset.left, x2: width - inset.right, y1: y(v), y2: y(v) }),
			svg("text", { class: "tick", x: inset.left - 8, y: y(v) + 4, "text-anchor": "end" }, format(v).replace(".0 ", " ")));
	for (const t of timeTicks(from, to, Math.max(2, (width - inset.left) / 110)))
		node.append(svg("text", { class: "tick", x: Math.max(x(t), inset.left), y: height - 8, "text-anchor": "middle" }, timeText(t)));
	return { x, y, node, inset };
}

// Draws again when its width changes.
export function responsive(className, draw) {
	const node = el("div", { class: className });
	let last = 0;
	new ResizeObserver(() => {
		const width = Math.round(node.clientWidth);
		if (width > 40 && width !== last) {
			last = width;
			node.replaceChildren(draw(width));
		}
	}).observe(node);
	return node;
}
