// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The parts of memory, and what is open.
import { frame, path, responsive } from "./axes.js";
import { num, table } from "./parts.js";
import { byteRate, bytes, count, countRate, duration, el, known, percent, plain, svg } from "./text.js";

const PARTS = {
	python_live: "Python objects", python_slack: "freed within Python's pools", malloc_live: "malloc in use",
	malloc_slack: "freed to malloc, not given back", mmap: "other mappings", file: "files and libraries", stacks: "stacks of threads", other: "other",
};

export function parts(m) {
	const rows = Object.entries(m.parts || {}).filter(([, v]) => v.bytes > 0).sort((a, b) => b[1].bytes - a[1].bytes);
	const sum = rows.reduce((n, [, v]) => n + v.bytes, 0);
	if (!rows.length)
		return null;
	const bar = el("div", { class: "stacked", role: "img", "aria-label": "RSS by part; the table below has the numbers" });
	for (const [key, v] of rows) {
		const piece = el("span", { class: "part part-" + key, title: (PARTS[key] || key) + " " + bytes(v.bytes) });
		piece.style.flexGrow = String(v.bytes / sum);
		bar.append(piece);
	}
	return el("div", {}, bar, table("RSS by part", ["part", "#bytes", "#share", "#growth"], rows.map(([key, v]) => el("tr", {},
		el("th", { scope: "row" }, el("span", { class: "key part-" + key, "aria-hidden": "true" }), PARTS[key] || plain(key)), num(bytes(v.bytes)), num(percent(v.bytes / sum)),
		num(known(v.growth_bytes_per_s) && Math.abs(v.growth_bytes_per_s) >= 1024 ? byteRate(v.growth_bytes_per_s) : "–")))),
	m.trimmable_bytes > 1048576 ? el("p", {}, bytes(m.trimmable_bytes) + " of it could be given back to the system at once.") : null);
}

function small(points, key, label) {
	const some = points.filter((p) => known(p[key]));
	if (some.length < 2)
		return null;
	return responsive("plot small", (width) => {
		const max = some.reduce((n, p) => Math.max(n, p[key]), 1);
		const chart = frame({ width, height: 120, from: some[0].t_s, to: some[some.length - 1].t_s, max: max * 1.15, format: count, label, left: 44 });
		chart.node.append(svg("path", { class: "rss", d: path(some.map((p) => [chart.x(p.t_s), chart.y(p[key])])) }));
		return chart.node;
	});
}

export function openThings(process) {
	const f = process.fds, points = process.memory.series || [];
	const out = [];
	if (f) {
		const owner = f.of_pid ? "In pid " + f.of_pid + (f.of_host ? " on " + f.of_host : "") + " " : "";
		const words = [owner + count(f.open) + " descriptors are open" + (known(f.at_attach) ? ", " + count(f.at_attach) + " of them from before it was watched" : "") + (known(f.limit_fds) ? "; the limit is " + count(f.limit_fds) : "") + "."];
		if (known(f.growth_per_s) && f.growth_per_s > 0)
			words.push("They grow by " + countRate(f.growth_per_s) + (known(f.fds_eta_s) ? ": the limit is met in " + duration(f.fds_eta_s) + "." : "."));
		if (f.children > 0)
			words.push(count(f.children) + " children were started since and are still there.");
		out.push(el("p", {}, words.join(" ")));
	}
	const figures = [["fds", "Descriptors"], ["threads", "Threads"]].map(([key, title]) => {
		const plot = small(points, key, title + " over time");
		return plot ? el("figure", {}, el("figcaption", {}, title), plot) : null;
	}).filter(Boolean);
	if (figures.length)
		out.push(el("div", { class: "figures" }, figures));
	return out.length ? out : null;
}

export function types(process) {
	const all = process.types;
	if (!all.length)
		return null;
	const list = el("tbody", {});
	const more = el("button", { type: "button", class: "plain" }, "Show all " + all.length);
	const put = (n) => {
		list.replaceChildren(...all.slice(0, n).map((t) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, plain(t.name, 160))), num(count(t.count)), num(bytes(t.bytes)),
			num(known(t.growth_count_per_s) && t.growth_count_per_s ? countRate(t.growth_count_per_s) : "–"))));
		more.hidden = n >= all.length;
	};
	more.addEventListener("click", () => put(2000));
	put(15);
	return el("div", {}, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Objects by type" }, el("table", {}, el("caption", {}, "Objects in the heap, by type"),
		el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "type"), ["count", "bytes", "growth"].map((h) => el("th", { scope: "col", class: "n" }, h)))), list)), more);
}
