// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The report as src/out/html.c put it into the page: its JSON, with numbers for frames.
import { base, bytes, plain, sourceName } from "./text.js";

const RANK = ["leak", "growing", "retention", "bloat", "warmup", "steady"];
const UNITS = { object: "objects", heap: "blocks", mmap: "mappings", fd: "descriptors", thread: "threads" };
const TAKES_A_WORD = ["-W", "-X", "--check-hash-based-pycs"];

export function unitOf(site) {
	return site.hint && site.hint.code === "child-not-reaped" ? "children" : UNITS[site.kind] || "";
}

// Frames as they are asked for: most of a large report are never shown.
class Frames {
	constructor(rows) {
		this.rows = rows;
		this.made = [];
		this.first = null;
	}

	at(n) {
		return this.made[n] || (this.made[n] = frame(this.rows[n]));
	}

	// The same for a C function wherever in it the call was.
	number(n) {
		if (!this.first) {
			const first = new Map();
			this.first = this.rows.map((_, i) => {
				const f = this.at(i), key = f.native + f.what;
				if (!first.has(key))
					first.set(key, i);
				return first.get(key);
			});
		}
		return this.first[n];
	}

	// Which of them have @want (in small letters) in their names or places.
	matching(want) {
		if (!this.hay)
			this.hay = this.rows.map((_, i) => this.at(i).what.toLowerCase());
		return this.hay.map((s) => s.includes(want));
	}
}

function frame([native, fn, file, line, module, offset, minor, source, around]) {
	const name = plain(fn || (native && offset ? "+" + offset : "?"), 200);
	const path = native ? file || (module && base(module)) : file;
	const place = path ? plain(path) + (line ? ":" + line : "") : "";
	return {
		native: !!native, minor: !!minor, name, source, around, line, place, what: name + " " + place,
		path: plain(path), short: path ? (native ? base : sourceName)(path) + (line ? ":" + line : "") : "",
	};
}

function process(p, more, frames, title) {
	p.sites.forEach((site, i) => { // its stack: numbers of frames
		site.frames = frames;
		site.ownAt = more.own[i] || 0; // where there is none, the innermost
		site.cut = !!more.cut[i];
		site.order = i;
	});
	return Object.assign(p, { more, title });
}

// The frame of the user's own line.
export function ownFrame(site) {
	return site.stack.length ? site.frames.at(site.stack[site.ownAt]) : null;
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

export function read(text) {
	const { report, more, frames: rows } = JSON.parse(text);
	const frames = new Frames(rows);
	const list = report.processes.map((p, i) => process(p, more[i], frames, titleOf(p)));
	if (report.tree)
		list.push(Object.assign(process(report.tree.merged, more[list.length], frames, "All processes together"), { isAll: true }));
	return { report, frames, list: order(list) };
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
