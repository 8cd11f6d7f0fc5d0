// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// How it was measured, and what was not counted: for who doubts the numbers.
import { num, table } from "./parts.js";
import { bytes, count, duration, el, known, percent, plain } from "./text.js";

function list(rows) {
	return el("dl", { class: "facts wide" }, rows.filter((r) => r[1]).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, plain(v, 2000)))));
}

function lost(process) {
	const rows = Object.entries(process.lost).filter(([, n]) => n > 0);
	if (!rows.length)
		return el("p", {}, "Nothing was lost.");
	return table("Not counted", ["what", "#times"], rows.map(([key, n]) => el("tr", {}, el("th", { scope: "row" }, plain(process.more.lost[key] || key)), num(count(n)))));
}

function gc(g) {
	if (!g)
		return null;
	return [g.enabled ? "on" : "off", known(g.tracked) ? count(g.tracked) + " objects under its control" : "", known(g.garbage) && g.garbage ? count(g.garbage) + " in gc.garbage" : "",
		known(g.uncollectable) && g.uncollectable ? count(g.uncollectable) + " uncollectable" : "", known(g.frozen) && g.frozen ? count(g.frozen) + " frozen" : ""].filter(Boolean).join(", ");
}

export function lostCount(process) {
	return Object.values(process.lost).reduce((n, v) => n + (v > 0 ? v : 0), 0);
}

function cost(b) {
	return [
		known(b.slowdown_pct) ? b.slowdown_pct.toFixed(1) + " % of the program's CPU time" : null,
		known(b.core_pct) ? b.core_pct.toFixed(2) + " % of a core" : null,
		b.stall_ms > 0 ? "delays up to " + b.stall_ms.toFixed(1) + " ms, " + b.stalls_per_s.toFixed(1) + " a second" : null,
	].filter(Boolean).join("; ") || null;
}

export function how(report, process) {
	const p = process.python, b = process.probe, m = process.memory;
	return [list([
		["tool", "pyleak-bpf " + report.tool.version],
		["host", [report.host.hostname, report.host.kernel, report.host.arch].filter(Boolean).join(", ")],
		["command line", process.cmdline.join(" ")],
		["Python", p.version ? "CPython " + p.version + (p.free_threaded ? " without the GIL" : "") + (p.allocator ? ", " + p.allocator : "") + (p.build ? ", " + p.build : "") : null],
		["tested as", p.tested_as],
		["mode", process.mode],
		["probes", b.mechanism ? b.mechanism + (known(b.on_s) ? ", on for " + b.on_s.toFixed(1) + " s" : "") : null],
		["coverage", known(b.coverage) ? percent(b.coverage) + " of the time" : null],
		["cost", cost(b)],
		["growth explained", known(process.memory.growth_explained) ? percent(process.memory.growth_explained) + " by the sites" : null],
		["collector", gc(process.gc)],
		["memory", [["PSS", m.pss_bytes], ["private", m.private_bytes], ["shared", m.shared_bytes], ["swap", m.swap_bytes], ["huge pages", m.huge_bytes]].filter((r) => known(r[1]) && r[1] > 0).map(([k, v]) => k + " " + bytes(v)).join(", ")],
		["cgroup", m.cgroup ? m.cgroup.path + ", " + bytes(m.cgroup.current_bytes) + (known(m.cgroup.limit_bytes) ? " of " + bytes(m.cgroup.limit_bytes) : "") : null],
		["watched for", duration(report.duration_s)],
	]), lost(process), process.notes ? el("ul", {}, process.notes.map((n) => el("li", {}, plain(n, 2000)))) : null];
}
