// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The page from top to bottom.
import { charts, etaText } from "./chart.js";
import { containerOf, ownFrame, read } from "./data.js";
import { Findings, hint } from "./findings.js";
import { FlameView } from "./flame_view.js";
import { how, lostCount } from "./how.js";
import { openThings, parts, types } from "./memory.js";
import { processBadge, section } from "./parts.js";
import { chooser, members } from "./processes.js";
import { code } from "./source.js";
import { byteRate, bytes, duration, el, known, plain, when } from "./text.js";
import { forgetThemes, themeSwitch } from "./theme.js";

function head(report) {
	return el("header", { class: "top" }, el("div", {}, el("h1", {}, "pyleak-bpf", el("span", { class: "muted" }, " report")),
		el("p", { class: "muted" }, [plain(report.host.hostname, 80), when(report.ended_at), "watched for " + duration(report.duration_s)].filter(Boolean).join(" · "))), themeSwitch());
}

function fact(label, value, note) {
	return value ? el("div", { class: "stat" }, el("dt", {}, label), el("dd", {}, value, note ? el("small", {}, note) : null)) : null;
}

function verdict(p) {
	const v = p.verdict, m = p.memory;
	const site = p.sites.find((s) => s.verdict === v.class && s.stack.length), own = site && ownFrame(site);
	const grows = v.class === "leak" || v.class === "growing";
	return el("section", { class: "verdict " + v.class, "aria-label": "Verdict" },
		el("p", { class: "who" }, processBadge(v), el("span", {}, p.title), containerOf(p.container) ? el("span", { class: "muted" }, "in " + containerOf(p.container)) : null),
		el("p", { class: "sentence" }, sentence(v.reason)),
		grows && own ? el("div", { class: "where" }, el("p", { class: "place" }, el("code", {}, own.place), el("span", { class: "muted" }, " in " + own.name)), code(own, true)) : null,
		hint(v.hint),
		el("dl", { class: "stats" }, fact("RSS", bytes(m.rss_bytes), known(m.rss_growth_bytes_per_s) ? byteRate(m.rss_growth_bytes_per_s) : ""),
			fact("Limit met in", etaText(m), m.limit_name ? plain(m.limit_name, 60) + ", " + bytes(m.limit_bytes) : ""),
			fact("Confidence", known(v.confidence) && !v.too_early ? v.confidence.toFixed(2) : null, ""),
			fact("Python", p.python.version ? plain(p.python.version, 30) : null, p.python.allocator ? plain(p.python.allocator, 20) : "")),
		baseline(p.baseline));
}

function sentence(text) {
	const s = plain(text || "nothing is known yet", 2000);
	return s.charAt(0).toUpperCase() + s.slice(1) + (/[.!?]$/.test(s) ? "" : ".");
}

function baseline(b) {
	if (!b)
		return null;
	if (!b.departures.length)
		return el("p", { class: "muted" }, "As in the " + b.runs + " earlier runs of " + plain(b.service, 80) + ".");
	return el("p", {}, "Against " + b.runs + " earlier runs of " + plain(b.service, 80) + ": " + b.departures.map((d) => {
		const text = /bytes/.test(d.name) ? bytes : String;
		return d.name.replace(/_/g, " ") + " " + text(d.value) + " where " + text(d.typical) + " is typical";
	}).join("; ") + ".");
}

// The graph is made once the rest of the page is on the screen.
function flame(data, p, findings) {
	const view = new FlameView(data, p, (site) => findings.show(site));
	requestAnimationFrame(() => setTimeout(() => {
		view.renew();
		view.prepare();
	}, 0));
	return view.node;
}

function show(data, p) {
	if (!p)
		return [el("p", {}, "No process was reported.")];
	const findings = new Findings(data, p);
	const lost = lostCount(p);
	const made = parts(p.memory), census = types(p), open = openThings(p);
	return [
		verdict(p),
		section("time", "Memory over time", charts(p)),
		p.sites.length ? section("flame", "What stays, by who allocated it", flame(data, p, findings)) : null,
		p.sites.length ? section("findings", "Findings", findings.node) : null,
		members(p) ? section("members", "Processes", members(p)) : null,
		made || census ? section("memory", "What the memory is made of", el("div", { class: "figures" }, made, census)) : null,
		open ? section("open", "Descriptors and threads", open) : null,
		section("how", "How it was measured", el("details", {}, el("summary", {}, lost ? lost + " not counted; how it was measured" : "Nothing was lost; how it was measured"), how(data.report, p))),
	].filter(Boolean);
}

function main() {
	const data = read(Array.from(document.querySelectorAll('script[type="application/json"]'), (part) => part.textContent).join(""));
	const body = el("main", {});
	const nav = el("div", {});
	const n = data.list.filter((one) => !one.isAll).length;
	const choose = (p) => {
		if (data.list.length > 1)
			nav.replaceChildren(section("processes", n + (n === 1 ? " process" : " processes"), chooser(data.list, p, choose)));
		forgetThemes();
		body.replaceChildren(...show(data, p));
		if (p)
			document.title = processBadge(p.verdict).textContent + ": " + p.title + " – pyleak-bpf";
	};
	document.getElementById("page").replaceChildren(head(data.report), el("div", { class: "with-nav" }, nav, body));
	choose(data.list[0]);
	performance.mark("shown");
	window.addEventListener("beforeprint", () => document.querySelectorAll("#how details").forEach((d) => { d.open = true; }));
}

main();
