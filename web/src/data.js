// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The report as src/out/html.c put it into the page: its JSON, with numbers for frames.
import { base, bytes, plain, sourceName } from "./text.js";

const RANK = ["leak", "growing", "retention", "bloat", "warmup", "steady"];
const UNITS = { object: "objects", heap: "blocks", mmap: "mappings", fd: "descriptors", thread: "threads" };
const TAKES_A_WORD = ["-W", "-X", "--check-hash-based-pycs"];

export function unitOf(site) {
	return site.hint && site.hint.code === "child-not-reaped" ? "children" : UNITS[site.kind] || "";
}

function frame([native, fn, file, line, module, offset, minor, source, around]) {
	const name = plain(fn || (native && offset ? "+" + offset : "?"), 200);
	const path = native ? file || (module && base(module)) : file;
	return {
		native: !!native, minor: !!minor, name, source, around, line,
		path: plain(path), short: path ? (native ? base : sourceName)(path) + (line ? ":" + line : "") : "",
		place: path ? plain(path) + (line ? ":" + line : "") : "",
	};
}

function process(p, more, frames, title) {
	p.sites.forEach((site, i) => {
		site.stack = site.stack.map((n) => frames[n]);
		site.numbers = site.stack.map((f) => f.number);
		site.ownAt = more.own[i] || 0; // where there is none, the innermost
		site.own = site.stack[site.ownAt] || null;
		site.ownNumber = site.own ? site.own.number : -1;
		site.cut = !!more.cut[i];
		site.order = i;
		site.what = site.own ? site.own.name + " " + site.own.place : "no Python frame";
	});
	return Object.assign(p, { more, title });
}

// "gunicorn app:wsgi", as out/term_name.c says it: behind the interpreter's own options its script or
// module, and what follows.
function nameOf(p) {
	const words = p.cmdline || [], comm = p.comm || "?";
	if (words.length === 1 && words[0].includes(" "))
		return plain(words[0], 60);
	let at = 1;
	while (at < words.length && words[at].startsWith("-") && (words[at].startsWith("--") || !/[cm]/.test(words[at])))
		at += TAKES_A_WORD.includes(words[at]) ? 2 : 1;
	const script = base(words[at] || "");
	const rest = script.startsWith("-") && script.includes("c") ? [] : words.slice(at + 1);
	return plain([comm, script === comm ? "" : script, ...rest].filter(Boolean).join(" "), 60);
}

function titleOf(p) {
	const isOver = p.state === "exited";
	if (p.members && p.members.length)
		return (p.comm ? nameOf(p) + ", " : "") + (p.members.length + (p.verdict.unnamed || 0)) + " processes as one" + (isOver ? ", have ended" : "");
	return nameOf(p) + (p.pid === null ? "" : ", pid " + p.pid) + (isOver ? ", " + plain(p.goes_on || "has ended", 60) : "");
}

export function containerOf(c) {
	if (!c)
		return "";
	if (c.pod)
		return "pod " + plain((c.namespace ? c.namespace + "/" : "") + c.pod, 80);
	return "container " + plain(c.name || c.id.slice(0, 12), 80);
}

// A C function has a number, wherever in it the call was.
function number(frames) {
	const first = new Map();
	frames.forEach((f, i) => {
		const key = f.native + " " + f.name + " " + f.place;
		if (!first.has(key))
			first.set(key, i);
		f.number = first.get(key);
	});
	return frames;
}

export function read(text) {
	const { report, more, frames: rows } = JSON.parse(text);
	const frames = number(rows.map(frame));
	const list = report.processes.map((p, i) => process(p, more[i], frames, titleOf(p)));
	if (report.tree)
		list.push(Object.assign(process(report.tree.merged, more[list.length], frames, "All processes together"), { isAll: true }));
	return { report, frames, list: order(list) };
}

// Which frames have @want (in small letters) in their names or places, by number.
export function matching(data, want) {
	const hay = data.hay || (data.hay = data.frames.map((f) => (f.name + " " + f.place).toLowerCase()));
	return hay.map((s) => s.includes(want));
}

export function rank(verdict) {
	return RANK.indexOf(verdict);
}

// Worst first; all together before each of them.
function order(list) {
	return list.sort((a, b) => (b.isAll ? 1 : 0) - (a.isAll ? 1 : 0) || rank(a.verdict.class) - rank(b.verdict.class)
		|| (b.memory.rss_growth_bytes_per_s || 0) - (a.memory.rss_growth_bytes_per_s || 0));
}

// Sums of what sites say, for measures of the flame graph.
export const MEASURES = {
	live: { label: "live bytes", of: (s) => s.outstanding_bytes, text: bytes },
	growth: { label: "growth", of: (s) => s.growth_bytes_per_s, text: (n) => bytes(n) + "/s" },
	blocks: { label: "objects and blocks", of: (s) => s.outstanding_count, text: null },
};
