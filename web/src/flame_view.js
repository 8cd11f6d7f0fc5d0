// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The flame graph on a canvas as large as what is seen of it: only what is wider than half a pixel
// and in sight is drawn, so its cost is that of the screen and not that of the report.
import { MEASURES } from "./data.js";
import { flameChildren, flameGroups, flameOrder, flameSearch, flameTree } from "./flame.js";
import { choice, debounce, idle } from "./parts.js";
import { count, el, percent, plain } from "./text.js";
import { isOnPaper, onTheme } from "./theme.js";

const ROW = 21;
const LEAST = 0.5; // pixels
const SEEN = 640; // as much of it as is seen at a time
const FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";
const SHADES = 4;

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
		this.shades = [];
		this.state = { measure: "live", fromRoot: true, by: "none", search: "" };
		this.orders = {};
		this.zoom = 0;
		this.at = 0;
		this.hit = this.ink = null;
		this.width = this.height = 0;
		this.build();
	}

	build() {
		this.canvas = el("canvas", { height: 0, "aria-hidden": "true" });
		this.sheet = el("div", {}, this.canvas); // as high as the whole graph, once that is known
		this.sheet.style.height = SEEN / 2 + "px";
		this.tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
		this.says = el("p", { class: "flame-says", role: "status", "aria-live": "polite" });
		this.found = el("span", { class: "muted", role: "status" });
		this.stage = el("div", {
			class: "flame-stage", tabindex: "0", role: "application", "aria-roledescription": "flame graph",
			"aria-label": "Flame graph. Arrow keys move between frames, Enter zooms in, Escape zooms out.",
			onkeydown: (e) => this.onKey(e), onfocus: () => this.select(this.at || this.zoom),
		}, this.sheet, this.tip);
		this.canvas.addEventListener("mousemove", (e) => this.onMove(e));
		this.canvas.addEventListener("mouseleave", () => { this.tip.hidden = true; });
		this.canvas.addEventListener("click", (e) => this.onClick(e));
		this.out = el("button", { type: "button", class: "plain", onclick: () => this.zoomTo(0) }, "Zoom out");
		this.node = el("div", { class: "flame" }, this.controls(), this.legend(), this.stage, this.says);
		this.stage.addEventListener("scroll", () => this.draw());
		new ResizeObserver(() => this.resize()).observe(this.stage);
		onTheme(() => {
			this.ink = null;
			this.draw();
		});
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

	// While nobody waits, what may be asked for next is sorted.
	prepare() {
		const todo = [[false, "none"], [true, "type"], [false, "type"]];
		const one = () => {
			this.order(...todo.shift());
			if (todo.length && this.node.isConnected)
				idle(one);
		};
		idle(one);
	}

	// Its height follows from what is drawn.
	resize() {
		if (this.stage.clientWidth !== this.width)
			this.draw();
	}

	// The tree is made when it is first seen or another one is asked for.
	renew() {
		const s = this.state;
		this.measure = MEASURES[s.measure];
		this.text = this.measure.text || count;
		this.tree = flameTree(this.order(s.fromRoot, s.by), this.measure);
		this.said = false;
		this.zoom = this.at = 0;
		this.search(s.search);
	}

	search(text) {
		const want = text.trim().toLowerCase();
		this.state.search = text;
		this.hit = null;
		let found = "";
		if (want) {
			const has = (s) => plain(s).toLowerCase().includes(want);
			this.hit = { frames: this.frames.matching(want), groups: this.tree.groups.map(has) };
			const r = flameSearch(this.tree, this.hit.frames, this.hit.groups);
			found = r.hits ? count(r.hits) + " found, with " + percent(r.sum / this.tree.value[0]) : "not found";
		}
		this.draw();
		this.found.textContent = found;
	}

	isHit(n) {
		return this.hit && (n >= 0 ? this.hit.frames[n] : n < -1 && this.hit.groups[-2 - n]);
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
		const width = this.width = this.stage.clientWidth, scrolled = this.stage.scrollTop;
		if (!this.tree || width < 20)
			return;
		const empty = !(this.tree.value[0] > 0);
		this.out.hidden = this.zoom === 0;
		this.stage.classList.toggle("empty", empty);
		if (empty) {
			this.says.textContent = "Nothing here: no site of this process has a known value of this kind.";
			this.sheet.style.height = "0";
			this.canvas.height = this.height = 0;
			return;
		}
		const rows = this.rows(width);
		const height = (rows.reduce((m, r) => Math.max(m, r[3]), 0) + 1) * ROW;
		const seen = isOnPaper() ? height : Math.min(height, SEEN);
		const top = Math.min(scrolled, height - seen);
		const g = this.sized(width, height, seen);
		this.ink = this.ink || colours(this.stage);
		g.fillStyle = this.ink.back;
		g.fillRect(0, 0, this.canvas.width, this.canvas.height);
		g.translate(0, -Math.round(top * this.ratio));
		this.paint(g, rows.filter((r) => (r[3] + 1) * ROW > top && r[3] * ROW < top + seen), this.ink);
		if (!this.said)
			this.say(this.zoom);
	}

	// The canvas, in pixels of the screen. To make it anew costs more than to draw on it.
	sized(width, height, seen) {
		const ratio = this.ratio = window.devicePixelRatio || 1;
		const wide = Math.round(width * ratio), high = Math.round(seen * ratio);
		if (this.canvas.width !== wide || this.canvas.height !== high) {
			this.canvas.width = wide;
			this.canvas.height = high;
			this.canvas.style.height = seen + "px";
		}
		if (this.height !== height) {
			this.height = height;
			this.sheet.style.height = height + "px";
		}
		const g = this.canvas.getContext("2d", { alpha: false });
		g.resetTransform();
		return g;
	}

	// Boxes begin and end between pixels of the screen.
	paint(g, rows, c) {
		const ratio = this.ratio, at = (v) => Math.round(v * ratio);
		const gap = Math.max(1, Math.floor(ratio)), inset = 5 * ratio;
		g.font = 12 * ratio + "px " + FONTS;
		g.textBaseline = "middle";
		const letter = g.measureText("MMMMMMMMMM").width / 10 / ratio;
		for (const [i, x, w, row, above] of rows) {
			const [fill, ink] = this.inks(i, c, above);
			const left = at(x), top = at(row * ROW), wide = Math.max(at(x + w) - left, 1), high = at((row + 1) * ROW) - top;
			g.fillStyle = fill;
			g.fillRect(left, top, w > 3 ? wide - gap : wide, high - gap);
			const room = Math.floor((w - 10) / letter);
			if (room >= 3) {
				g.fillStyle = ink;
				g.fillText(this.label(i, room), left + inset, top + high / 2);
			}
			if (i === this.at && this.at) {
				g.strokeStyle = c.focus;
				g.lineWidth = 2 * ratio;
				g.strokeRect(left + ratio, top + ratio, Math.max(wide - 3 * ratio, 1), high - 3 * ratio);
			}
		}
	}

	inks(i, c, above) {
		const n = this.tree.frame[i];
		if (this.isHit(n))
			return [c.hit, c.hitText];
		if (above || i === 0 || (this.hit && n < -1))
			return [c.faint, c.faintText];
		if (n < 0)
			return [c.group, c.text];
		if (this.hit)
			return [c.faint, c.faintText];
		if (this.tree.leak[i])
			return [c.leak, c.leakText];
		if (this.shades[n] === undefined)
			this.shades[n] = shadeOf(this.frames.at(n).path);
		return [(this.frames.at(n).native ? c.c : c.py)[this.shades[n]], c.text];
	}

	name(i) {
		const n = this.tree.frame[i];
		if (i === 0)
			return "all";
		return n < 0 ? plain(this.tree.groups[-2 - n], 100) : this.frames.at(n).name;
	}

	label(i, room) {
		const n = this.tree.frame[i];
		let text = this.name(i);
		if (i === 0)
			text += "  " + this.text(this.tree.value[0]);
		else if (n >= 0 && this.frames.at(n).short)
			text += "  " + this.frames.at(n).short;
		return text.length > room ? text.slice(0, room - 1) + "…" : text;
	}

	describe(i) {
		const t = this.tree, n = t.frame[i];
		const place = n >= 0 && this.frames.at(n).place ? this.frames.at(n).place : "";
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
		const box = this.sheet.getBoundingClientRect();
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
