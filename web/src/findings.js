// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// All sites as a table that sorts, filters and opens; no more rows at a time than a reader can use.
import { ownFrame, rank, unitOf } from "./data.js";
import { holderGraph } from "./holders.js";
import { badge, debounce, idle, num } from "./parts.js";
import { stack } from "./source.js";
import { byteRate, bytes, count, countRate, duration, el, known, percent, plain } from "./text.js";

const PAGE = 25;
const MORE = 100;

function whatOf(site) {
	const own = ownFrame(site);
	return own ? own.what : "no Python frame";
}

const COLUMNS = [
	{ key: "order", head: "#", n: true, of: (s) => s.order, up: true },
	{ key: "verdict", head: "Verdict", of: (s) => rank(s.verdict) - (s.confidence || 0) / 2, up: true },
	{ key: "where", head: "Line", of: whatOf, up: true },
	{ key: "growth", head: "Growth", n: true, of: (s) => s.growth_bytes_per_s },
	{ key: "live", head: "Stays", n: true, of: (s) => s.outstanding_bytes },
	{ key: "count", head: "Count", n: true, of: (s) => s.outstanding_count },
	{ key: "types", head: "Types", of: (s) => (s.types[0] ? s.types[0].name : "~"), up: true },
	{ key: "age", head: "Oldest", n: true, of: (s) => s.oldest_s },
];

function typesOf(site, most) {
	const list = site.types.slice(0, most).map((t) => plain(t.name, 60) + " " + percent(t.share));
	return list.join(", ") + (site.types.length > most ? ", …" : "");
}

function typeBars(site) {
	if (!site.types.length)
		return null;
	return el("div", { class: "types" }, el("h3", {}, "Types"), el("ul", {}, site.types.slice(0, 8).map((t) => {
		const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", {}));
		bar.firstChild.style.width = Math.max(0, Math.min(1, t.share || 0)) * 100 + "%";
		return el("li", {}, el("code", {}, plain(t.name, 120)), bar, el("span", { class: "n" }, percent(t.share)));
	})));
}

export function hint(h) {
	if (!h)
		return null;
	const [first, ...rest] = plainLines(h.text);
	return el("div", { class: "hint" }, el("h3", {}, h.code), el("p", {}, first),
		rest.length ? el("pre", {}, rest.join("\n")) : null);
}

function plainLines(text) {
	return String(text || "").split("\n").map((l) => plain(l, 1000).trim());
}

// No bytes are known of descriptors and threads.
function both(about, format, size, number, between) {
	return (known(size) ? about + format(size) + between : "") + about + number;
}

function facts(site) {
	const about = site.estimated ? "~" : "";
	const unit = unitOf(site);
	const rows = [
		["grows by", both(about, byteRate, site.growth_bytes_per_s, countRate(site.growth_count_per_s).replace("/s", " " + unit + "/s"), ", ")],
		["stays", both(about, bytes, site.outstanding_bytes, count(site.outstanding_count) + " " + unit, " in ")],
		["waste", known(site.waste_bytes) && site.waste_bytes > 0 ? bytes(site.waste_bytes) + " handed out beyond what was asked for" : null],
		["samples", known(site.samples) ? count(site.samples) : null],
		["oldest", known(site.oldest_s) ? duration(site.oldest_s) : null],
		["confidence", known(site.confidence) ? site.confidence.toFixed(2) : null],
		["processes", site.processes > 1 ? String(site.processes) : null],
		["site", site.id],
		["same cause as", site.part_of ? "site " + site.part_of : null],
	];
	return el("dl", { class: "facts" }, rows.filter((r) => r[1]).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, plain(v)))));
}

function details(site) {
	return el("div", { class: "detail" },
		site.reason ? el("p", { class: "reason" }, plain(site.reason)) : null,
		holderGraph(site.held_by),
		el("div", { class: "columns" }, stack(site), el("div", {}, hint(site.hint), typeBars(site), facts(site))));
}

export class Findings {
	constructor(data, process) {
		this.data = data;
		this.sites = process.sites;
		this.open = new Set(this.sites.length && this.sites[0].verdict !== "steady" ? [this.sites[0]] : []);
		this.sort = { key: "order", down: false };
		this.keys = {};
		this.most = PAGE;
		this.want = "";
		this.body = el("tbody", {});
		this.heads = el("tr", {});
		this.says = el("p", { class: "muted", role: "status" });
		this.more = el("button", { type: "button", class: "plain", onclick: () => { this.most += MORE; this.draw(); } }, "");
		this.filter = el("input", {
			type: "search", placeholder: "function, file, type, verdict", "aria-label": "Filter the findings",
			oninput: debounce(() => { this.want = this.filter.value.trim().toLowerCase(); this.most = PAGE; this.draw(); }, 60),
		});
		this.node = el("div", {}, el("div", { class: "controls" }, el("label", { class: "search" }, el("span", {}, "Filter"), this.filter), this.says),
			el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of findings" },
				el("table", { class: "findings" }, el("caption", { class: "out" }, "Sites, by what should be looked at first"), el("thead", {}, this.heads), this.body)),
			this.more);
		this.draw();
		// The keys of lines take the longest: they are made before anybody asks.
		idle(() => this.keysOf("where"));
	}

	// The values that sites are sorted by, in their first order.
	keysOf(key) {
		return this.keys[key] || (this.keys[key] = this.sites.map(COLUMNS.find((c) => c.key === key).of));
	}

	has(site, frames) {
		const words = [site.verdict, site.kind, site.id, ...site.types.map((t) => t.name)];
		return words.join(" ").toLowerCase().includes(this.want) || site.stack.some((n) => frames[n]);
	}

	chosen() {
		const frames = this.want ? this.data.frames.matching(this.want) : null;
		const list = frames ? this.sites.filter((s) => this.has(s, frames)) : this.sites.slice();
		const sign = this.sort.down ? -1 : 1;
		const keys = this.keysOf(this.sort.key);
		return list.sort((a, b) => {
			const x = keys[a.order], y = keys[b.order];
			if (typeof x === "string")
				return sign * (x < y ? -1 : x > y ? 1 : 0) || a.order - b.order;
			if (!known(x) || !known(y))
				return (known(y) ? 1 : 0) - (known(x) ? 1 : 0) || a.order - b.order;
			return sign * (x - y) || a.order - b.order;
		});
	}

	head(c) {
		const is = this.sort.key === c.key;
		return el("th", { scope: "col", class: c.n ? "n" : null, "aria-sort": is ? (this.sort.down ? "descending" : "ascending") : "none" },
			el("button", { type: "button", "data-key": c.key, onclick: () => this.sortBy(c) }, c.head, el("span", { class: "arrow", "aria-hidden": "true" }, is ? (this.sort.down ? "▼" : "▲") : "")));
	}

	sortBy(c) {
		this.sort = { key: c.key, down: this.sort.key === c.key ? !this.sort.down : !c.up };
		this.draw();
		this.heads.querySelector('[data-key="' + c.key + '"]').focus();
	}

	row(site) {
		const about = site.estimated ? "~" : "";
		const isOpen = this.open.has(site), own = ownFrame(site);
		const button = el("button", { type: "button", class: "open", "aria-expanded": String(isOpen), onclick: () => this.toggle(site) },
			own ? [el("code", {}, plain(own.short || own.name, 80)), " ", el("span", { class: "fn" }, own.short ? plain(own.name, 80) : "")] : "no frame");
		return el("tr", { class: isOpen ? "is-open" : null, "data-site": site.id }, num(String(site.order + 1)),
			el("td", {}, badge(site.verdict)), el("th", { scope: "row" }, button),
			num(known(site.growth_bytes_per_s) ? about + byteRate(site.growth_bytes_per_s) : known(site.growth_count_per_s) ? countRate(site.growth_count_per_s) : "?"),
			num(known(site.outstanding_bytes) ? about + bytes(site.outstanding_bytes) : "?"),
			num(known(site.outstanding_count) ? about + count(site.outstanding_count) : "?"), el("td", { class: "types" }, typesOf(site, 2) || (site.kind === "object" ? "" : unitOf(site))),
			num(known(site.oldest_s) ? duration(site.oldest_s) : "?"));
	}

	draw() {
		const list = this.chosen();
		const rows = [];
		for (const site of list.slice(0, this.most)) {
			rows.push(this.row(site));
			if (this.open.has(site))
				rows.push(el("tr", { class: "opened" }, el("td", { colspan: String(COLUMNS.length) }, details(site))));
		}
		this.heads.replaceChildren(...COLUMNS.map((c) => this.head(c)));
		this.body.replaceChildren(...rows);
		const left = list.length - this.most;
		this.more.hidden = left <= 0;
		this.more.textContent = "Show " + Math.min(left, MORE) + " more of " + left;
		this.says.textContent = list.length === this.sites.length ? this.sites.length + (this.sites.length === 1 ? " site" : " sites") : list.length + " of " + this.sites.length + " sites";
	}

	toggle(site) {
		if (!this.open.delete(site))
			this.open.add(site);
		this.draw();
		const button = this.body.querySelector('[data-site="' + site.id + '"] button.open');
		if (button)
			button.focus();
	}

	// From elsewhere: this one, open and in sight.
	show(site) {
		this.open.add(site);
		this.want = this.filter.value = "";
		this.most = Math.max(this.most, this.chosen().indexOf(site) + 1);
		this.draw();
		const button = this.body.querySelector('[data-site="' + site.id + '"] button.open');
		button.scrollIntoView({ block: "center" });
		button.focus();
	}
}
