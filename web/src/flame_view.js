// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The flame graph on a canvas: only what is wider than half a pixel is drawn, so its cost is that
// of the screen and not that of the report.
import { MEASURES, matching } from "./data.js";
import { flameChildren, flameGroups, flameOrder, flameSearch, flameTree } from "./flame.js";
import { choice, debounce } from "./parts.js";
import { count, el, percent, plain } from "./text.js";
import { onTheme } from "./theme.js";

const ROW = 21;
const LEAST = 0.5; // pixels
const SHADES = 4;
const idle = window.requestIdleCallback || ((call) => setTimeout(call, 200));

function shadeOf(text) {
	let h = 0;
	for (let i = 0; i < text.length && i < 200; i++)
		h = (h * 31 + text.charCodeAt(i)) | 0;
	return (h >>> 3) % SHADES;
}

function colours(node) {
	const style = getComputedStyle(node);
	const get = (name) => style.getPropertyValue(name).trim();
	const four = (name) => Array.from({ length: SHADES }, (_, i) => get("--" + name + "-" + i));
	return {
		py: four("py"), c: four("c"), leak: get("--flame-leak"), leakText: get("--flame-leak-text"), group: get("--flame-group"),
		text: get("--flame-text"), hit: get("--flame-hit"), hitText: get("--flame-hit-text"), back: get("--panel"),
		focus: get("--accent"), faint: get("--flame-faint"), faintText: get("--muted"),
	};
}

export class FlameView {
	// @open(site) shows a finding.
	constructor(data, process, open) {
		this.data = data;
		this.frames = data.frames;
		this.process = process;
		this.open = open;
		this.shade = data.frames.map((f) => shadeOf(f.path));
		this.state = { measure: "live", fromRoot: true, by: "none", search: "" };
		this.orders = {};
		this.zoom = 0;
		this.at = 0;
		this.hit = this.spare = null;
		this.build();
	}

	build() {
		this.canvas = el("canvas", { "aria-hidden": "true" });
		this.tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
		this.says = el("p", { class: "flame-says", role: "status", "aria-live": "polite" });
		this.found = el("span", { class: "muted", role: "status" });
		this.stage = el("div", {
			class: "flame-stage", tabindex: "0", role: "application", "aria-roledescription": "flame graph",
			"aria-label": "Flame graph. Arrow keys move between frames, Enter zooms in, Escape zooms out.",
			onkeydown: (e) => this.onKey(e), onfocus: () => this.select(this.at || this.zoom),
		}, this.canvas, this.tip);
		this.canvas.addEventListener("mousemove", (e) => this.onMove(e));
		this.canvas.addEventListener("mouseleave", () => { this.tip.hidden = true; });
		this.canvas.addEventListener("click", (e) => this.onClick(e));
		this.out = el("button", { type: "button", class: "plain", onclick: () => this.zoomTo(0) }, "Zoom out");
		this.node = el("div", { class: "flame" }, this.controls(), this.legend(), this.stage, this.says);
		new ResizeObserver(() => this.draw()).observe(this.stage);
		onTheme(() => this.draw());
	}

	controls() {
		const set = (key) => (value) => {
			this.state[key] = value;
			this.renew();
		};
		const search = el("input", {
			type: "search", placeholder: "function, file or type", "aria-label": "Search in the flame graph",
			oninput: debounce(() => this.search(search.value), 60),
		});
		return el("div", { class: "controls" },
			choice("Show", [["live", "live bytes"], ["growth", "growth"], ["blocks", "blocks"]], "live", set("measure")),
			choice("Begin at", [["root", "the program"], ["leaf", "the allocating line"]], "root",
				(v) => set("fromRoot")(v === "root")),
			choice("Group", [["none", "none"], ["kind", "kind"], ["type", "type"]], "none", set("by")),
			el("label", { class: "search" }, el("span", {}, "Search"), search), this.found, this.out);
	}

	legend() {
		const key = (name, text) => el("li", {}, el("span", { class: "key key-" + name, "aria-hidden": "true" }), text);
		return el("ul", { class: "legend", "aria-label": "Colours" }, key("py", "Python"), key("c", "C code"),
			key("leak", "line that leaks or grows"), key("hit", "found by the search"));
	}

	// Made once for each way to look at them.
	order(fromRoot, by) {
		const key = fromRoot + by;
		if (!this.orders[key])
			this.orders[key] = by === "none" ? flameOrder(this.process.sites, fromRoot) : flameGroups(this.order(fromRoot, "none"), by);
		return this.orders[key];
	}

	// While nobody waits, what may be asked for next is sorted, and room is made for it.
	prepare() {
		const todo = [[false, "none"], [true, "type"], [false, "type"]];
		const one = () => {
			this.spare = flameTree(this.order(...todo.shift()), this.measure, this.spare);
			if (todo.length && this.node.isConnected)
				idle(one);
		};
		idle(one);
	}

	// The tree is made when it is first seen or another one is asked for.
	renew() {
		const s = this.state;
		this.measure = MEASURES[s.measure];
		this.text = this.measure.text || count;
		this.tree = flameTree(this.order(s.fromRoot, s.by), this.measure, this.spare || this.tree);
		this.spare = null;
		this.said = false;
		this.zoom = this.at = 0;
		this.search(s.search);
	}

	search(text) {
		const want = text.trim().toLowerCase();
		this.state.search = text;
		this.hit = null;
		this.found.textContent = "";
		if (want) {
			const has = (s) => plain(s).toLowerCase().includes(want);
			const r = flameSearch(this.tree, matching(this.data, want), this.tree.groups.map(has));
			this.hit = r.hit;
			this.found.textContent = r.hits ? count(r.hits) + " found, with " + percent(r.sum / this.tree.value[0]) : "not found";
		}
		this.draw();
	}

	// The frames to be drawn: [node, x, width, row].
	rows(width) {
		const t = this.tree, out = [], path = [];
		for (let i = t.parent[this.zoom]; i >= 0; i = t.parent[i])
			path.unshift(i);
		path.forEach((i, row) => out.push([i, 0, width, row, true]));
		this.above = path.length;
		const scale = width / t.value[this.zoom], from = t.start[this.zoom];
		const todo = [this.zoom];
		while (todo.length) {
			const i = todo.pop();
			const w = t.value[i] * scale;
			out.push([i, (t.start[i] - from) * scale, w, path.length + t.depth[i] - t.depth[this.zoom], false]);
			for (let c = flameChildren(t, i); c >= 0 && t.value[c] * scale >= LEAST; c = t.next[c])
				todo.push(c);
		}
		return out;
	}

	draw() {
		const width = this.stage.clientWidth;
		if (!this.tree || width < 20)
			return;
		const ratio = window.devicePixelRatio || 1;
		const empty = !(this.tree.value[0] > 0);
		this.out.hidden = this.zoom === 0;
		this.stage.classList.toggle("empty", empty);
		if (empty) {
			this.says.textContent = "Nothing here: no site of this process has a known value of this kind.";
			this.canvas.height = 0;
			return;
		}
		const rows = this.rows(width);
		const height = (rows.reduce((m, r) => Math.max(m, r[3]), 0) + 1) * ROW;
		this.canvas.width = Math.round(width * ratio);
		this.canvas.height = Math.round(height * ratio);
		this.canvas.style.height = height + "px";
		const g = this.canvas.getContext("2d");
		g.scale(ratio, ratio);
		this.paint(g, rows, colours(this.stage));
		if (!this.said)
			this.say(this.zoom);
	}

	paint(g, rows, c) {
		g.font = "12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
		g.textBaseline = "middle";
		const letter = g.measureText("MMMMMMMMMM").width / 10;
		for (const [i, x, w, row, above] of rows) {
			const [fill, ink] = this.inks(i, c, above);
			g.fillStyle = fill;
			g.fillRect(x, row * ROW, w > 3 ? w - 1 : w, ROW - 1);
			const room = Math.floor((w - 10) / letter);
			if (room >= 3) {
				g.fillStyle = ink;
				g.fillText(this.label(i, room), x + 5, row * ROW + ROW / 2);
			}
			if (i === this.at && this.at) {
				g.strokeStyle = c.focus;
				g.lineWidth = 2;
				g.strokeRect(x + 1, row * ROW + 1, Math.max(w - 3, 1), ROW - 3);
			}
		}
	}

	inks(i, c, above) {
		const n = this.tree.frame[i];
		if (this.hit && this.hit[i])
			return [c.hit, c.hitText];
		if (above || i === 0 || (this.hit && n < -1))
			return [c.faint, c.faintText];
		if (n < 0)
			return [c.group, c.text];
		if (this.hit)
			return [c.faint, c.faintText];
		if (this.tree.leak[i])
			return [c.leak, c.leakText];
		return [(this.frames[n].native ? c.c : c.py)[this.shade[n]], c.text];
	}

	name(i) {
		const n = this.tree.frame[i];
		if (i === 0)
			return "all";
		return n < 0 ? plain(this.tree.groups[-2 - n], 100) : this.frames[n].name;
	}

	label(i, room) {
		const n = this.tree.frame[i];
		let text = this.name(i);
		if (i === 0)
			text += "  " + this.text(this.tree.value[0]);
		else if (n >= 0 && this.frames[n].short)
			text += "  " + this.frames[n].short;
		return text.length > room ? text.slice(0, room - 1) + "…" : text;
	}

	describe(i) {
		const t = this.tree, n = t.frame[i];
		const place = n >= 0 && this.frames[n].place ? this.frames[n].place : "";
		const share = i ? ", " + percent(t.value[i] / t.value[0]) : "";
		return { name: this.name(i), place, value: this.text(t.value[i]) + share };
	}

	say(i) {
		const d = this.describe(i);
		const t = this.tree;
		const site = t.site[i] >= 0 ? this.process.sites[t.site[i]] : null;
		this.said = true;
		this.says.replaceChildren(el("strong", {}, d.name), d.place ? el("span", { class: "place" }, " " + d.place) : "", "  " + d.value + " ",
			site ? el("button", { type: "button", class: "link", onclick: () => this.open(site) }, "finding #" + (site.order + 1)) : "");
	}

	select(i) {
		this.at = i;
		this.say(i);
		this.draw();
	}

	zoomTo(i) {
		this.zoom = i;
		this.at = i;
		this.say(i);
		this.draw();
	}

	find(e) {
		const box = this.canvas.getBoundingClientRect();
		const row = Math.floor((e.clientY - box.top) / ROW), t = this.tree;
		let i = this.zoom;
		if (row < this.above) {
			for (let up = this.above - row; up > 0; up--)
				i = t.parent[i];
			return i;
		}
		const x = t.start[this.zoom] + (e.clientX - box.left) / box.width * t.value[this.zoom];
		for (let down = row - this.above; down > 0; down--) {
			let c = flameChildren(t, i);
			while (c >= 0 && !(x >= t.start[c] && x < t.start[c] + t.value[c]))
				c = t.next[c];
			if (c < 0)
				return -1;
			i = c;
		}
		return i;
	}

	onMove(e) {
		const i = this.find(e);
		this.tip.hidden = i < 0;
		this.canvas.style.cursor = i < 0 ? "default" : "pointer";
		if (i < 0)
			return;
		const d = this.describe(i), box = this.stage.getBoundingClientRect();
		this.tip.replaceChildren(el("strong", {}, d.name), el("span", {}, d.place), el("span", {}, d.value));
		const x = e.clientX - box.left, wide = this.tip.offsetWidth;
		this.tip.style.left = Math.max(0, Math.min(x + 12, box.width - wide - 4)) + "px";
		this.tip.style.top = e.clientY - box.top + this.stage.scrollTop + 18 + "px";
	}

	onClick(e) {
		const i = this.find(e);
		if (i >= 0)
			this.zoomTo(i);
	}

	onKey(e) {
		const t = this.tree, i = this.at;
		let to = -1;
		if (e.key === "ArrowDown")
			to = flameChildren(t, i);
		else if (e.key === "ArrowUp")
			to = t.parent[i];
		else if (e.key === "ArrowRight")
			to = t.next[i];
		else if (e.key === "ArrowLeft")
			for (let c = i ? flameChildren(t, t.parent[i]) : -1; c >= 0 && c !== i; c = t.next[c])
				to = c;
		else if (e.key === "Enter" || e.key === " ")
			return e.preventDefault(), this.zoomTo(i);
		else if (e.key === "Escape")
			return this.zoomTo(0);
		else
			return undefined;
		e.preventDefault();
		if (to >= 0) {
			if (t.depth[to] < t.depth[this.zoom] || t.value[to] / t.value[this.zoom] * this.stage.clientWidth < 2)
				this.zoom = t.parent[to] < 0 ? 0 : t.parent[to];
			this.select(to);
		}
		return undefined;
	}
}
