// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Elements and words. Names come from a process that may be hostile: they reach the page as text
// nodes only, cut, and with what would act or reorder spelt out.

const MOST = 400;
const ACTS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function spelt(c) {
	const code = c.charCodeAt(0);
	return code < 0x100 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
}

export function plain(s, most = MOST) {
	const text = s === null || s === undefined ? "?" : String(s);
	const cut = text.length > most ? text.slice(0, most) + "…" : text;
	return cut.replace(/\t/g, "    ").replace(ACTS, spelt);
}

function fill(node, attrs, children) {
	for (const [name, value] of Object.entries(attrs || {})) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name.startsWith("on"))
			node.addEventListener(name.slice(2), value);
		else
			node.setAttribute(name, value === true ? "" : value);
	}
	node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
	return node;
}

export function el(tag, attrs, ...children) {
	return fill(document.createElement(tag), attrs, children);
}

export function svg(tag, attrs, ...children) {
	return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attrs, children);
}

// ---- Numbers, as the tool prints them. ----

export function known(n) {
	return typeof n === "number" && Number.isFinite(n);
}

function scaled(v, step, units) {
	let i = 0;
	while (i + 1 < units.length && Math.abs(v) >= step * 0.9995) {
		v /= step;
		i++;
	}
	return (i === 0 || Math.abs(v) >= 99.95 ? v.toFixed(0) : v.toFixed(1)) + units[i];
}

export function bytes(n) {
	return known(n) ? scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]) : "?";
}

export function count(n) {
	if (!known(n))
		return "?";
	if (Math.abs(n) < 0.095 && Math.abs(n) >= 0.0001)
		return String(Number(n.toPrecision(2)));
	if (Math.abs(n) < 99.95 && Math.abs(n - Math.round(n)) > 0.049)
		return n.toFixed(1);
	return scaled(n, 1000, ["", " k", " M", " G"]);
}

function signed(n, text) {
	return (n > 0 ? "+" : "") + text + "/s";
}

export function byteRate(n) {
	return known(n) ? signed(n, bytes(n)) : "?";
}

export function countRate(n) {
	return known(n) ? signed(n, count(n)) : "?";
}

export function percent(share) {
	if (!known(share))
		return "?";
	const p = share * 100;
	return (p >= 9.95 || p === 0 ? p.toFixed(0) : p >= 0.1 ? p.toFixed(1) : "< 0.1") + " %";
}

function two(n) {
	return String(Math.floor(n)).padStart(2, "0");
}

// In the units of @like.
export function duration(s, like = s) {
	if (!known(s))
		return "?";
	if (like < 99.5)
		return s.toFixed(0) + " s";
	if (like < 5400)
		return Math.floor(s / 60) + " m " + two(s % 60) + " s";
	if (like < 3 * 86400)
		return Math.floor(s / 3600) + " h " + two((s % 3600) / 60) + " m";
	return Math.floor(s / 86400) + " d " + two((s % 86400) / 3600) + " h";
}

export function when(text) {
	return text ? plain(text).replace("T", " ").replace(/\.\d+Z$/, " UTC").replace(/Z$/, " UTC") : "?";
}

export function base(path) {
	return plain(path).split("/").pop();
}

// The name of a file of Python code, of a library's with the folder: "werkzeug/serving.py".
export function sourceName(path) {
	return plain(path).split("/").slice(/\/lib(64)?\/python\d/.test(path) ? -2 : -1).join("/");
}
