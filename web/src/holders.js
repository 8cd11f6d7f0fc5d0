// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The holders that keep objects alive, drawn as a chain: the root, each holder, and by which key or member.
import { el, percent, plain } from "./text.js";

// "module app :: CACHE (dict, 5 entries) → [key] → app.Session": a step that begins with "[" or "." is
// the arrow to the next one.
function steps(path) {
	const out = [];
	let by = "";
	for (const part of path.split(" → ")) {
		if (part === "[i]" || part === "[key]" || /^\[[^\]]*\]$/.test(part)) {
			by = part;
			continue;
		}
		const detail = /^(.*?) \((.*)\)$/.exec(part);
		out.push({ by, name: detail ? detail[1] : part, detail: detail ? detail[2] : "" });
		by = "";
	}
	return out;
}

export function holderGraph(held) {
	if (!held)
		return null;
	const list = steps(plain(held.path, 4000));
	const root = list[0] && list[0].name.split(" :: ");
	if (root && root.length === 2)
		list.splice(0, 1, { by: "", name: root[0], detail: "" }, { by: "", name: root[1], detail: list[0].detail });
	return el("figure", { class: "holders" },
		el("figcaption", {}, "Kept alive by (" + percent(held.share) + " of those that were asked for)"),
		el("ol", {}, list.map((s, i) => el("li", { class: i === 0 ? "root" : i === list.length - 1 ? "end" : null },
			s.by ? el("span", { class: "by" }, s.by) : null,
			el("span", { class: "box" }, el("b", {}, s.name), s.detail ? el("small", {}, s.detail) : null)))));
}
