// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Which process is shown, where there are several; and those that a merged one stands for.
import { containerOf } from "./data.js";
import { badge, num, processBadge, table } from "./parts.js";
import { byteRate, bytes, el, known, plain } from "./text.js";

const FEW = 12;

export function chooser(list, chosen, choose) {
	const body = el("tbody", {});
	const more = el("button", { type: "button", class: "plain" }, "Show all " + list.length);
	const row = (p) => el("tr", { class: p === chosen ? "chosen" : null }, el("td", {}, processBadge(p.verdict)),
		el("th", { scope: "row" }, el("button", { type: "button", class: "open", "aria-current": p === chosen ? "true" : null, onclick: () => choose(p) }, p.title)),
		el("td", {}, containerOf(p.container)), num(bytes(p.memory.rss_bytes)), num(byteRate(p.memory.rss_growth_bytes_per_s)), el("td", {}, plain(p.verdict.reason, 160)));
	const put = (n) => {
		body.replaceChildren(...list.filter((p, i) => i < n || p === chosen).map(row));
		more.hidden = n >= list.length;
	};
	more.addEventListener("click", () => put(list.length));
	put(FEW);
	return el("div", {}, el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of processes" }, el("table", { class: "processes" },
		el("caption", { class: "out" }, "Processes, worst first"),
		el("thead", {}, el("tr", {}, ["verdict", "process", "where"].map((h) => el("th", { scope: "col" }, h)), el("th", { scope: "col", class: "n" }, "RSS"), el("th", { scope: "col", class: "n" }, "growth"), el("th", { scope: "col" }, "why"))), body)), more);
}

export function members(p) {
	if (!p.members || !p.members.length)
		return null;
	const named = table("The processes it stands for, worst first", ["verdict", "host", "process", "#pid", "#RSS", "#growth"], p.members.slice(0, 200).map((m) => el("tr", {},
		el("td", {}, badge(m.verdict)), el("td", {}, plain(m.hostname, 80)), el("td", {}, plain(m.comm, 80)), num(String(m.pid)), num(bytes(m.rss_bytes)),
		num(known(m.growth_bytes_per_s) ? byteRate(m.growth_bytes_per_s) : "?"))));
	return p.verdict.unnamed ? el("div", {}, named, el("p", {}, "and " + p.verdict.unnamed + " more")) : named;
}
