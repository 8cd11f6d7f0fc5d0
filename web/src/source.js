// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Stacks and the lines of source that are known.
import { el, plain } from "./text.js";

const FEW = 25;

const ABOVE = 2; // lines of what is around one

function codeLine(text, number, isIt) {
	return el("span", { class: isIt ? "row it" : "row" }, el("span", { class: "line", "aria-hidden": "true" }, String(number)),
		el("code", {}, plain(text) || " "), "\n");
}

// The line of @frame; with @around also those above and below.
export function code(frame, around) {
	if (!frame || !frame.source)
		return null;
	if (!around || !frame.around)
		return el("pre", { class: "code" }, codeLine(frame.source.trim(), frame.line, false));
	let first = Math.max(1, frame.line - ABOVE);
	const lines = dedent(frame.around.split("\n").slice(0, 2 * ABOVE + 1));
	while (first < frame.line && !lines[0]) {
		lines.shift();
		first++;
	}
	while (lines.length > frame.line - first + 1 && !lines[lines.length - 1])
		lines.pop();
	return el("pre", { class: "code" }, lines.map((text, i) => codeLine(text, first + i, first + i === frame.line)));
}

// The indent that all of them begin with says nothing.
function dedent(lines) {
	const indents = lines.filter((l) => l.trim()).map((l) => /^[ \t]*/.exec(l)[0]);
	const least = Math.min(...indents.map((s) => s.length));
	const same = indents.every((s) => s.slice(0, least) === indents[0].slice(0, least));
	return lines.map((l) => (same && indents.length ? l.slice(least) : l).trimEnd());
}

function row(site, i) {
	const f = site.frames.at(site.stack[i]), isOwn = site.stack[i] === site.stack[site.ownAt];
	return el("li", { class: (f.native ? "native" : "python") + (isOwn ? " own" : "") },
		el("span", { class: "lang" }, f.native ? "C" : "py"), el("span", { class: "fn" }, f.name),
		el("span", { class: "place" }, f.place), code(f, isOwn));
}

// Deep ones are shown in part, until the rest is asked for.
function shorten(rows) {
	const list = el("ol", {}, rows.slice(0, FEW));
	const rest = rows.slice(FEW);
	if (rest.length < 4) {
		list.append(...rest);
		return list;
	}
	const last = el("li", { class: "more" }, el("button", { type: "button", class: "plain", onclick: () => last.replaceWith(...rest) },
		"Show " + rest.length + " more frames"));
	list.append(last);
	return list;
}

export function stack(site) {
	const rows = [], same = site.stack.map((n) => site.frames.at(n)).map((f) => f.native + f.what);
	let i = 0;
	while (i < site.stack.length) { // recursion, said once
		let n = 1;
		while (i + n < site.stack.length && same[i + n] === same[i])
			n++;
		rows.push(row(site, i));
		if (n > 1)
			rows.push(el("li", { class: "more" }, "the same " + (n - 1) + " times more"));
		i += n;
	}
	if (site.cut)
		rows.push(el("li", { class: "more" }, "its outermost frames were not recorded"));
	return el("div", { class: "stack" }, el("h3", {}, "Stack, innermost first"), shorten(rows));
}
