// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tree of a flame graph in flat arrays. Stacks are sorted, so that those with a common
// beginning lie side by side and each frame is made when it is met: no look-ups, and hundreds of
// thousands of frames take some ten milliseconds.

// The groups that stand before the frames: a kind of memory or a type of object, as [name, share].
function groupsOf(site, by) {
	if (by === "kind")
		return [[site.kind, 1]];
	return site.types.length ? site.types.map((t) => [t.name, t.share]) : [["no type known", 1]];
}

// Frames of @site from the outermost to the innermost; or from the user's own line outwards.
function pathOf(site, fromRoot) {
	return fromRoot ? site.numbers.slice().reverse() : site.numbers.slice(site.ownAt);
}

function compare(a, b) {
	const x = a.path, y = b.path, n = Math.min(x.length, y.length);
	for (let i = 0; i < n; i++)
		if (x[i] !== y[i])
			return x[i] - y[i];
	return x.length - y.length;
}

// [{ path, group (-1: none), share, site }], sorted; and the names of the groups: none.
export function flameOrder(sites, fromRoot) {
	const list = sites.filter((site) => site.numbers.length).map((site) => ({ path: pathOf(site, fromRoot), group: -1, share: 1, site }));
	return { list: list.sort(compare), groups: [] };
}

// The same by groups. What is sorted stays so in each of them.
export function flameGroups({ list }, by) {
	const groups = [], members = [], numbers = new Map();
	for (const { path, site } of list)
		for (const [name, share] of groupsOf(site, by)) {
			if (!numbers.has(name)) {
				numbers.set(name, groups.push(name) - 1);
				members.push([]);
			}
			const group = numbers.get(name);
			members[group].push({ path, group, share, site });
		}
	return { list: members.flat(), groups };
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

// Arrays with room for so many nodes: those of the tree before where they are long enough, for the
// pages of new ones cost more than the sums. They may hold anything: add() sets a node.
function room(most, before) {
	if (before && before.room >= most)
		return before;
	const whole = () => new Int32Array(most), real = () => new Float64Array(most), flag = () => new Uint8Array(most);
	return {
		room: most, parent: whole(), frame: whole(), depth: whole(), site: whole(), leak: flag(), value: real(), top: real(),
		first: whole(), next: whole(), start: real(), isPlaced: flag(),
	};
}

function add(t, n, parent, depth, frame) {
	t.parent[n] = parent;
	t.depth[n] = depth;
	t.frame[n] = frame;
	t.site[n] = t.first[n] = t.next[n] = -1;
	t.leak[n] = t.isPlaced[n] = t.value[n] = t.top[n] = t.start[n] = 0;
}

function nodesOf(list, measure, old) {
	const t = room(list.reduce((n, e) => n + e.path.length + 1, 1), old), top = t.top; // top: what one site has of it
	add(t, 0, -1, 0, -1);
	const way = [0]; // the nodes of the entry before, by depth
	let n = 1, before = null;
	for (const e of list) {
		const value = measure.of(e.site) * e.share;
		if (!(value > 0) || !Number.isFinite(value))
			continue;
		const skip = e.group >= 0 ? 1 : 0, end = e.path.length + skip;
		const known = common(before, e);
		const grows = e.site.verdict === "leak" || e.site.verdict === "growing";
		for (let d = 0; d < end; d++) {
			if (d >= known) {
				add(t, n, way[d], d + 1, d < skip ? -2 - e.group : e.path[d - skip]);
				way[d + 1] = n++;
			}
			const at = way[d + 1];
			if (value > top[at]) {
				top[at] = value;
				t.site[at] = e.site.order;
			}
			if (grows && t.frame[at] === e.site.ownNumber)
				t.leak[at] = 1;
		}
		t.value[way[end]] += value;
		before = e;
	}
	t.n = n;
	return t;
}

// Sums, and the children of each. A parent's number is lower than its children's.
function link(t) {
	for (let i = t.n - 1; i > 0; i--) {
		const parent = t.parent[i];
		t.value[parent] += t.value[i];
		t.next[i] = t.first[parent];
		t.first[parent] = i;
	}
	return t;
}

// The first child of @i, once all of them have their places: the largest first, from where @i starts
// on. Only what is looked at is placed.
export function flameChildren(t, i) {
	if (t.isPlaced[i])
		return t.first[i];
	t.isPlaced[i] = 1;
	const list = [];
	for (let c = t.first[i]; c >= 0; c = t.next[c])
		list.push(c);
	list.sort((a, b) => t.value[b] - t.value[a]);
	let at = t.start[i];
	list.forEach((c, k) => {
		t.next[c] = k + 1 < list.length ? list[k + 1] : -1;
		t.start[c] = at;
		at += t.value[c];
	});
	t.first[i] = list.length ? list[0] : -1;
	return t.first[i];
}

// { n, groups } and by node: parent, depth, frame (its number; -2 - g: the group g; -1: all), site
// (the order of the one with the most of it), leak, value; and next and start of placed children:
// a node lies at [start, start + value) of the total. @old: a tree that is not needed any more, or null.
export function flameTree({ list, groups }, measure, old) {
	return Object.assign(link(nodesOf(list, measure, old)), { groups });
}

// Those whose frame or group matches, and how much of all is below any of them.
export function flameSearch(t, matches, groupMatches) {
	const hit = new Uint8Array(t.n), under = new Uint8Array(t.n);
	let sum = 0, hits = 0;
	for (let i = 1; i < t.n; i++) {
		const is = (t.frame[i] >= 0 ? matches[t.frame[i]] : groupMatches[-2 - t.frame[i]]) ? 1 : 0;
		hit[i] = is;
		under[i] = under[t.parent[i]] | is;
		hits += is;
		if (is && !under[t.parent[i]])
			sum += t.value[i];
	}
	return { hit, hits, sum };
}
