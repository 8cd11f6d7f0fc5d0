// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The tree of a flame graph in flat arrays. Stacks are sorted, so that those with a common
// beginning lie side by side and each frame is made when it is met: no look-ups, and hundreds of
// thousands of frames take some ten milliseconds.

// What stands before the frames: a kind of memory or a type of object, as [name, share].
function groupsOf(site, by) {
	if (by === "kind")
		return [[site.kind, 1]];
	if (by === "type")
		return site.types.length ? site.types.map((t) => [t.name, t.share]) : [["no type known", 1]];
	return [[null, 1]];
}

// Frames of @site from the outermost to the innermost; or from the user's own line outwards.
function pathOf(site, fromRoot) {
	return fromRoot ? site.numbers.slice().reverse() : site.numbers.slice(site.ownAt);
}

function compare(a, b) {
	if (a.group !== b.group)
		return a.group - b.group;
	const x = a.path, y = b.path, n = Math.min(x.length, y.length);
	for (let i = 0; i < n; i++)
		if (x[i] !== y[i])
			return x[i] - y[i];
	return x.length - y.length;
}

// [{ path, group (-1: none), share, site }], sorted; and the names of the groups.
export function flameOrder(sites, fromRoot, by) {
	const list = [], groups = [], numbers = new Map();
	for (const site of sites) {
		if (!site.numbers.length)
			continue;
		for (const [name, share] of groupsOf(site, by)) {
			let group = -1;
			if (name !== null) {
				if (!numbers.has(name))
					numbers.set(name, groups.push(name) - 1);
				group = numbers.get(name);
			}
			list.push({ path: pathOf(site, fromRoot), group, share, site });
		}
	}
	return { list: list.sort(compare), groups };
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

function nodesOf(list, measure) {
	const most = list.reduce((n, e) => n + e.path.length + 1, 1);
	const t = {
		parent: new Int32Array(most).fill(-1), frame: new Int32Array(most).fill(-1), depth: new Int32Array(most),
		site: new Int32Array(most).fill(-1), leak: new Uint8Array(most), value: new Float64Array(most),
	};
	const top = new Float64Array(most); // of what one site has of it
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
				t.parent[n] = way[d];
				t.depth[n] = d + 1;
				t.frame[n] = d < skip ? -2 - e.group : e.path[d - skip];
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
	t.first = new Int32Array(t.n).fill(-1);
	t.next = new Int32Array(t.n).fill(-1);
	t.start = new Float64Array(t.n);
	t.isPlaced = new Uint8Array(t.n);
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
// a node lies at [start, start + value) of the total.
export function flameTree({ list, groups }, measure) {
	return Object.assign(link(nodesOf(list, measure)), { groups });
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
