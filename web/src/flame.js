// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tree of a flame graph, of which only what is looked at is made. Stacks are sorted, so that
// those with a common beginning lie side by side: a node is a range of them, and its children are
// the parts of that range that go on with the same frame.

// The groups that stand before the frames: a kind of memory or a type of object, as [name, share].
function groupsOf(site, by) {
	if (by === "kind")
		return [[site.kind, 1]];
	return site.types.length ? site.types.map((t) => [t.name, t.share]) : [["no type known", 1]];
}

// Frames of @site from the outermost to the innermost; or from the user's own line outwards.
function pathOf(site, fromRoot) {
	const numbers = site.stack.map((n) => site.frames.number(n));
	return fromRoot ? numbers.reverse() : numbers.slice(site.ownAt);
}

function compare(a, b) {
	const x = a.path, y = b.path, n = Math.min(x.length, y.length);
	for (let i = 0; i < n; i++)
		if (x[i] !== y[i])
			return x[i] - y[i];
	return x.length - y.length;
}

// How many nodes of the entry before are also the beginning of this one: its group and frames.
function common(a, b) {
	if (!a || a.group !== b.group)
		return 0;
	const x = a.path, y = b.path, n = Math.min(x.length, y.length);
	let i = 0;
	while (i < n && x[i] === y[i])
		i++;
	return i + (a.group >= 0 ? 1 : 0);
}

function withCommon(list, groups) {
	list.forEach((e, i) => { e.common = common(list[i - 1], e); });
	return { list, groups };
}

// [{ path, own (the frame of the user's own line), group (-1: none), share, site, common }], sorted;
// and the names of the groups: none.
export function flameOrder(sites, fromRoot) {
	const list = sites.filter((site) => site.stack.length).map((site) => ({
		path: pathOf(site, fromRoot), own: site.frames.number(site.stack[site.ownAt]), group: -1, share: 1, site, common: 0,
	}));
	return withCommon(list.sort(compare), []);
}

// The same by groups. What is sorted stays so in each of them.
export function flameGroups({ list }, by) {
	const groups = [], members = [], numbers = new Map();
	for (const e of list)
		for (const [name, share] of groupsOf(e.site, by)) {
			if (!numbers.has(name)) {
				numbers.set(name, groups.push(name) - 1);
				members.push([]);
			}
			const group = numbers.get(name);
			members[group].push({ path: e.path, own: e.own, group, share, site: e.site, common: 0 });
		}
	return withCommon(members.flat(), groups);
}

function add(t, parent, depth, frame, from, to) {
	const n = t.n++;
	let value = 0, top = 0, site = -1, leak = 0; // top: what one site has of it
	for (let k = from; k < to; k++) {
		const v = t.values[k];
		value += v;
		if (v > top) {
			top = v;
			site = t.entries[k].site.order;
		}
		if (t.grows[k] && t.entries[k].own === frame)
			leak = 1;
	}
	t.parent[n] = parent;
	t.depth[n] = depth;
	t.frame[n] = frame;
	t.from[n] = from;
	t.to[n] = to;
	t.value[n] = value;
	t.site[n] = n ? site : -1;
	t.leak[n] = leak;
	t.first[n] = t.next[n] = -1;
	t.isOpen[n] = t.start[n] = 0;
	return n;
}

// { n, groups } and by node: parent, depth, frame (its number; -2 - g: the group g; -1: all), site
// (the order of the one with the most of it), leak, value; and next and start of those that
// flameChildren() has made: a node lies at [start, start + value) of the total.
export function flameTree({ list, groups }, measure) {
	const t = {
		n: 0, groups, entries: [], values: [], common: [], grows: [],
		parent: [], depth: [], frame: [], from: [], to: [], value: [], site: [], leak: [], first: [], next: [], start: [], isOpen: [],
	};
	let same = 0;
	for (const e of list) {
		const value = measure.of(e.site) * e.share;
		same = Math.min(same, e.common);
		if (!(value > 0) || !Number.isFinite(value))
			continue;
		t.entries.push(e);
		t.values.push(value);
		t.common.push(same);
		t.grows.push(e.site.verdict === "leak" || e.site.verdict === "growing");
		same = Infinity;
	}
	add(t, -1, 0, -1, 0, t.entries.length);
	return t;
}

function split(t, i) {
	const list = [], depth = t.depth[i], to = t.to[i];
	for (let k = t.from[i], end; k < to; k = end) {
		const e = t.entries[k], at = e.group >= 0 ? depth - 1 : depth;
		end = k + 1;
		if (at >= e.path.length)
			continue; // it ends here
		while (end < to && t.common[end] > depth)
			end++;
		list.push(add(t, i, depth + 1, at < 0 ? -2 - e.group : e.path[at], k, end));
	}
	return list;
}

// The first child of @i: the largest, which begins where @i does.
export function flameChildren(t, i) {
	if (t.isOpen[i])
		return t.first[i];
	t.isOpen[i] = 1;
	const list = split(t, i).sort((a, b) => t.value[b] - t.value[a]);
	let at = t.start[i];
	list.forEach((c, k) => {
		t.next[c] = k + 1 < list.length ? list[k + 1] : -1;
		t.start[c] = at;
		at += t.value[c];
	});
	t.first[i] = list.length ? list[0] : -1;
	return t.first[i];
}

// How many nodes match, by frame or group, and how much of all is below any of them.
export function flameSearch(t, matches, groupMatches) {
	let sum = 0, hits = 0;
	t.entries.forEach((e, k) => {
		const skip = e.group >= 0 ? 1 : 0, end = e.path.length + skip;
		let isBelow = false;
		for (let d = 0; d < end; d++)
			if (d < skip ? groupMatches[e.group] : matches[e.path[d - skip]]) {
				isBelow = true;
				hits += d >= t.common[k] ? 1 : 0;
			}
		sum += isBelow ? t.values[k] : 0;
	});
	return { hits, sum };
}
