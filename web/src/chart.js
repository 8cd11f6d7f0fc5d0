// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Memory over the time it was watched, in layers that add up to RSS; and when the limit is met.
import { frame, path, responsive } from "./axes.js";
import { table } from "./parts.js";
import { bytes, duration, el, known, plain, svg } from "./text.js";

const HEIGHT = 240;
const ROWS = 30;

const LAYERS = [
	["heap", "Python objects"],
	["anon", "other anonymous memory"],
	["file", "files and libraries"],
];

// Tops of the layers at each point. What was not known at one is as it was before.
function layersOf(points) {
	let heap = 0, anon = 0;
	return points.map((p) => {
		heap = Math.min(known(p.heap_bytes) ? p.heap_bytes : heap, p.rss_bytes);
		anon = Math.min(Math.max(known(p.anon_bytes) ? p.anon_bytes : anon, heap), p.rss_bytes);
		return [heap, anon, p.rss_bytes];
	});
}

function usable(memory) {
	return memory.series.filter((p) => known(p.rss_bytes) && known(p.t_s));
}

function legend(hasHeap, hasLimit) {
	return el("ul", { class: "legend", "aria-label": "Layers" }, LAYERS.filter((l) => hasHeap || l[0] !== "heap").map(([key, text]) =>
		el("li", {}, el("span", { class: "key key-" + key, "aria-hidden": "true" }), text)),
		hasLimit ? el("li", {}, el("span", { class: "key key-limit", "aria-hidden": "true" }), "limit") : null);
}

function readout(chart, points, stacks, width, says) {
	const cursor = svg("line", { class: "cursor", y1: chart.inset.top, y2: HEIGHT - chart.inset.bottom, visibility: "hidden" });
	chart.node.append(cursor);
	chart.node.addEventListener("pointermove", (e) => {
		const box = chart.node.getBoundingClientRect();
		const t = chart.x.invert((e.clientX - box.left) / box.width * width);
		let best = 0;
		points.forEach((p, i) => { best = Math.abs(p.t_s - t) < Math.abs(points[best].t_s - t) ? i : best; });
		const at = chart.x(points[best].t_s), [heap, anon, rss] = stacks[best];
		cursor.setAttribute("x1", at);
		cursor.setAttribute("x2", at);
		cursor.setAttribute("visibility", "visible");
		says.textContent = "at " + duration(points[best].t_s) + ": RSS " + bytes(rss) + ", Python objects " + bytes(heap) + ", other anonymous " + bytes(anon - heap) + ", files " + bytes(rss - anon);
	});
	chart.node.addEventListener("pointerleave", () => {
		cursor.setAttribute("visibility", "hidden");
		says.textContent = "";
	});
}

function mostOf(points) {
	return points.reduce((m, p) => Math.max(m, p.rss_bytes), 0);
}

// A limit far away would press the curve flat.
function isNear(points, limit) {
	return known(limit) && limit < mostOf(points) * 2.5;
}

function history(points, limit, label, says) {
	const stacks = layersOf(points);
	const most = mostOf(points);
	const near = isNear(points, limit);
	return responsive("plot", (width) => {
		const chart = frame({ width, height: HEIGHT, from: points[0].t_s, to: points[points.length - 1].t_s, max: (near ? Math.max(limit, most) : most) * 1.08, format: bytes, label });
		const at = points.map((p, i) => [chart.x(p.t_s), ...stacks[i].map((v) => chart.y(v))]);
		LAYERS.forEach(([key], k) => chart.node.append(svg("path", {
			class: "layer layer-" + key,
			d: path(at.map((d) => [d[0], d[k + 1]]).concat(at.map((d) => [d[0], k ? d[k] : chart.y(0)]).reverse())) + "Z",
		})));
		chart.node.append(svg("path", { class: "rss", d: path(at.map((d) => [d[0], d[3]])) }));
		if (near)
			chart.node.append(svg("line", { class: "limit", x1: chart.inset.left, x2: width - chart.inset.right, y1: chart.y(limit), y2: chart.y(limit) }));
		readout(chart, points, stacks, width, says);
		return chart.node;
	});
}

// From what is used now to the limit: the line, and between which ends it will be.
function forecast(m, label) {
	const used = known(m.limit_left_bytes) ? m.limit_bytes - m.limit_left_bytes : m.rss_bytes;
	const low = known(m.oom_eta_low_s) ? m.oom_eta_low_s : m.oom_eta_s;
	const high = known(m.oom_eta_high_s) ? m.oom_eta_high_s : m.oom_eta_s * 2;
	const to = Math.max(m.oom_eta_s, Math.min(high, m.oom_eta_s * 3)) * 1.12;
	return responsive("plot", (width) => {
		const chart = frame({ width, height: HEIGHT, from: 0, to, max: m.limit_bytes * 1.12, format: bytes, label });
		const { x, y, node, inset } = chart;
		const end = (t) => (t <= to ? [x(t), y(m.limit_bytes)] : [x(to), y(used + (m.limit_bytes - used) * to / t)]);
		const corners = [[x(0), y(used)], end(low), end(high)];
		node.append(svg("polygon", { class: "reach", points: corners.map((c) => c.join(",")).join(" ") }),
			svg("line", { class: "rss", x1: x(0), y1: y(used), x2: x(m.oom_eta_s), y2: y(m.limit_bytes) }),
			svg("line", { class: "limit", x1: inset.left, x2: width - inset.right, y1: y(m.limit_bytes), y2: y(m.limit_bytes) }),
			svg("circle", { class: "meets", cx: x(m.oom_eta_s), cy: y(m.limit_bytes), r: 4 }),
			svg("line", { class: "drop", x1: x(m.oom_eta_s), x2: x(m.oom_eta_s), y1: y(m.limit_bytes), y2: y(0) }),
			svg("text", { class: "limit-text", x: inset.left + 4, y: y(m.limit_bytes) - 5 }, plain(m.limit_name || m.limit_source, 40) + " " + bytes(m.limit_bytes)));
		return node;
	});
}

export function etaText(m) {
	if (!known(m.oom_eta_s))
		return null;
	const reach = known(m.oom_eta_low_s) ? " (" + duration(m.oom_eta_low_s, m.oom_eta_s) + " – " + (known(m.oom_eta_high_s) ? duration(m.oom_eta_high_s, m.oom_eta_s) : "no upper end known") + ")" : "";
	return duration(m.oom_eta_s) + reach;
}

function asTable(points) {
	const step = Math.max(1, Math.ceil(points.length / ROWS));
	const some = points.filter((_, i) => i % step === 0 || i === points.length - 1);
	return table("Table of memory over time", ["#time", "#RSS", "#Python objects", "#anonymous", "#descriptors", "#threads"], some.map((p) => el("tr", {},
		[duration(p.t_s), bytes(p.rss_bytes), bytes(p.heap_bytes), bytes(p.anon_bytes), known(p.fds) ? String(p.fds) : "?", known(p.threads) ? String(p.threads) : "?"]
			.map((t) => el("td", { class: "n" }, t)))));
}

export function charts(process) {
	const m = process.memory, points = usable(m), eta = etaText(m);
	const says = el("p", { class: "muted says" });
	const out = [];
	if (points.length > 1)
		out.push(el("figure", {}, el("figcaption", {}, "While it was watched"), history(points, m.limit_bytes, "RSS went from " + bytes(points[0].rss_bytes) + " to " + bytes(points[points.length - 1].rss_bytes) + " in " + duration(points[points.length - 1].t_s), says),
			legend(points.some((p) => known(p.heap_bytes)), isNear(points, m.limit_bytes)), says));
	if (eta && known(m.limit_bytes) && known(m.rss_bytes))
		out.push(el("figure", {}, el("figcaption", {}, "Until the limit, at this rate: ", el("strong", {}, eta)), forecast(m, "The limit of " + bytes(m.limit_bytes) + " is met in " + eta),
			el("p", { class: "muted" }, "The shaded reach is where it may be met. Counted is what counts against the limit, not this process alone.")));
	if (!out.length)
		return el("p", { class: "muted" }, "This report has no history of the memory, and no limit that is coming nearer.");
	const more = el("details", {}, el("summary", {}, "As a table"));
	more.addEventListener("toggle", () => more.open && more.children.length < 2 && more.append(asTable(points)));
	return el("div", {}, el("div", { class: "figures" }, out), points.length > 1 ? more : null);
}
