// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Small things that several parts of the page are made of.
import { el } from "./text.js";

let names = 0;

// One of a few: radio buttons that look like a switch.
export function choice(legend, options, value, change) {
	const name = "choice-" + ++names;
	return el("fieldset", { class: "choice" }, el("legend", {}, legend), options.map(([key, text]) =>
		el("label", {}, el("input", { type: "radio", name, value: key, checked: key === value, onchange: () => change(key) }),
			el("span", {}, text))));
}

// Calls it when nobody waits for the page.
export const idle = window.requestIdleCallback || ((call) => setTimeout(call, 200));

export function debounce(call, ms) {
	let timer = 0;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(call, ms);
	};
}

export function badge(verdict) {
	return el("span", { class: "badge " + verdict }, verdict);
}

// The badge of a process, or of a census, which has no verdict.
export function processBadge(v) {
	return v.too_early ? el("span", { class: "badge" }, "too early") : badge(v.class);
}

export function section(id, title, ...children) {
	return el("section", { "aria-labelledby": id + "-title", id }, el("h2", { id: id + "-title" }, title), children);
}

export function table(caption, heads, rows, attrs) {
	return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
		el("table", attrs, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col", class: h.startsWith("#") ? "n" : null }, h.replace(/^#/, ""))))),
			el("tbody", {}, rows)));
}

// A cell for a number.
export function num(text) {
	return el("td", { class: "n" }, text);
}
