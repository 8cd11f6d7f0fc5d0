// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Opens pages from files in one Chromium, does one thing with each, and prints as JSON what came of it, a line each.
// It is asked on standard input, a line of JSON each time: [TASK, ARGUMENT, [PAGE...]]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");

// The doings of the page @now.url are noted in @now.seen.
const now = {};

async function newPage(browser) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
	const page = await context.newPage();
	page.on("console", (m) => now.seen.console.push(m.text()));
	page.on("pageerror", (e) => now.seen.errors.push(String(e)));
	page.on("dialog", (d) => { now.seen.errors.push("dialog " + d.message()); d.dismiss(); });
	await context.route("**/*", (route) => {
		if (route.request().url() === now.url)
			return route.continue();
		now.seen.requests.push(route.request().url());
		return route.abort();
	});
	await page.addInitScript(() => {
		window.violations = [];
		document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective));
	});
	return page;
}

async function open(page, url) {
	await page.goto(url);
	await page.waitForFunction(() => {
		const c = document.querySelector("canvas");
		return document.querySelector("main > *") && (!c || c.height > 0 || document.querySelector(".flame-stage.empty"));
	});
}

// Until the picture after an event is there, in milliseconds, as measured in the page.
function timed(page, selector, event) {
	return page.evaluate(([selector, event]) => new Promise((done) => {
		const node = document.querySelector(selector), box = node.getBoundingClientRect();
		const start = performance.now();
		if (event.text !== undefined) {
			node.value = event.text;
			node.dispatchEvent(new Event("input", { bubbles: true }));
		} else if (event.x !== undefined) {
			node.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: box.left + event.x, clientY: box.top + event.y }));
		} else {
			node.click();
		}
		const after = event.text === undefined ? 0 : 61; // the page waits for more letters
		const painted = () => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start - after), 0));
		setTimeout(painted, after);
	}), [selector, event]);
}

const text = (page, selector) => page.locator(selector).first().innerText();

const picture = (page) => page.evaluate(() => document.querySelector("canvas").toDataURL());

const tasks = {
	async look(page) {
		return { title: await page.title(), text: await page.locator("body").innerText(), elements: [...new Set(await page.locator("body *").evaluateAll((all) => all.map((n) => n.localName)))].sort(),
			scripts: await page.locator('script:not([type="application/json"])').count() };
	},

	// A graph higher than what is seen of it: its canvas, in pixels, at the top, scrolled, and on paper.
	async scroll(page) {
		const painted = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
		const heights = () => page.evaluate(() => [document.querySelector("canvas").height / devicePixelRatio, document.querySelector(".flame-stage > div").offsetHeight]);
		const say = (event) => page.evaluate((name) => window.dispatchEvent(new Event(name)), event);
		const out = { top: await picture(page), seen: await heights() };
		await page.evaluate(() => document.querySelector(".flame-stage").scrollTo(0, 1e6));
		await painted();
		out.bottom = await picture(page);
		await say("beforeprint");
		out.paper = await heights();
		await say("afterprint");
		out.again = await heights();
		return out;
	},

	async use(page, argument) {
		const out = { whole: await picture(page) };
		await page.locator("canvas").click({ position: { x: 200, y: 70 } });
		out.zoomed = await picture(page);
		out.says = await text(page, ".flame-says");
		await page.getByRole("button", { name: "Zoom out" }).click();
		out.again = await picture(page);
		// The page waits for more letters, and a busy machine for longer.
		await page.locator("#flame input[type=search]").fill(argument);
		await page.waitForFunction(() => document.querySelector("#flame .controls .muted").textContent);
		out.searched = await picture(page);
		out.found = await text(page, "#flame .controls .muted");
		await page.locator("#flame input[type=search]").fill("");
		await page.waitForFunction(() => !document.querySelector("#flame .controls .muted").textContent);
		await page.getByRole("radio", { name: "the allocating line" }).check({ force: true });
		out.icicle = await picture(page);
		await page.getByRole("radio", { name: "type", exact: true }).check({ force: true });
		out.byType = await picture(page);
		await page.locator(".flame-stage").focus();
		const keys = [];
		for (const key of ["ArrowDown", "ArrowDown", "ArrowUp", "Enter"]) {
			await page.keyboard.press(key);
			keys.push(await text(page, ".flame-says"));
		}
		out.keys = keys;
		out.orders = [];
		for (const key of ["live", "live", "where"]) {
			await page.locator('.findings [data-key="' + key + '"]').click();
			out.orders.push(await page.locator(".findings tr[data-site]").evaluateAll((rows) => rows.map((r) => r.dataset.site)));
		}
		const rows = out.orders[0].length;
		await page.locator("#findings input[type=search]").fill(argument);
		await page.waitForFunction((n) => document.querySelectorAll(".findings tr[data-site]").length < n, rows);
		out.filtered = await page.locator(".findings tr[data-site]").count();
		const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		out.themes = [];
		for (const name of ["light", "dark"]) {
			await page.getByRole("radio", { name }).check({ force: true });
			out.themes.push([await background(), await picture(page)]);
		}
		return out;
	},

	async choose(page) {
		const out = [];
		for (const button of await page.locator(".processes button.open").all()) {
			await button.click();
			out.push([await text(page, ".processes tr.chosen button"), await text(page, ".verdict .sentence"), await page.title()]);
		}
		return { out, heading: await text(page, "#processes h2") };
	},

	async axe(page) {
		const out = {}, ofColours = { runOnly: ["color-contrast", "link-in-text-block"] };
		await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
		for (const theme of ["light", "dark"]) {
			await page.getByRole("radio", { name: theme }).check({ force: true });
			for (const d of await page.locator("details").all())
				await d.evaluate((n) => { n.open = true; });
			const r = await page.evaluate((options) => window.axe.run(document, options), theme === "light" ? {} : ofColours);
			out[theme] = r.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]);
			out.passes ??= r.passes.length;
		}
		return out;
	},

	async print(page, argument) {
		await page.emulateMedia({ media: "print", colorScheme: "dark" });
		const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
		await page.emulateMedia({ media: null });
		await page.pdf({ path: argument, format: "A4", printBackground: true });
		await page.emulateMedia({ colorScheme: null });
		return { back };
	},

	async speed(page) {
		const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
		const shown = await page.evaluate(() => performance.getEntriesByName("shown")[0].startTime);
		const out = {};
		await page.waitForTimeout(300); // nobody clicks sooner
		const steps = [["growth", "#flame input[value=growth]", {}], ["leaf", "#flame input[value=leaf]", {}], ["by type", "#flame input[value=type]", {}],
			["root", "#flame input[value=root]", {}], ["search", "#flame input[type=search]", { text: "method_12" }],
			["zoom", "canvas", { x: 300, y: 70 }], ["zoom out", "#flame button.plain", {}], ["filter", "#findings input[type=search]", { text: "method_12" }],
			["sort growth", "#findings [data-key=growth]", {}], ["sort line", "#findings [data-key=where]", {}], ["open", "#findings button.open", {}],
			["dark", ".top input[value=dark]", {}]];
		for (const [name, selector, event] of steps)
			out[name] = Math.round(await timed(page, selector, event));
		return { paint: Math.round(paint), shown: Math.round(shown), ms: out };
	},
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
	let shared; // by all that are not measured: what a page shows is kept nowhere, and processes are dear
	for await (const line of createInterface({ input: process.stdin })) {
		const [task, argument, files] = JSON.parse(line);
		const page = task === "speed" ? await newPage(browser) : (shared ??= await newPage(browser));
		for (const file of files) {
			now.url = pathToFileURL(file).href;
			now.seen = { requests: [], console: [], errors: [] };
			try {
				await open(page, now.url);
				Object.assign(now.seen, await tasks[task](page, argument), { violations: await page.evaluate(() => window.violations) });
			} catch (e) {
				now.seen.errors.push(String(e));
			}
			console.log(JSON.stringify(now.seen));
		}
		if (page !== shared)
			await page.context().close();
	}
} finally {
	await browser.close();
}
