// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Light or dark: as the system says, until the reader chooses; always light on paper.
import { choice } from "./parts.js";

const system = window.matchMedia("(prefers-color-scheme: dark)");
const print = window.matchMedia("print");
const listeners = new Set();
let chosen = "auto", isPrinted = false;

function tell() {
	document.documentElement.dataset.theme = chosen === "auto" ? (system.matches ? "dark" : "light") : chosen;
	listeners.forEach((call) => call());
}

// Calls @call after each change of colours; what is drawn on a canvas does not change by itself.
export function onTheme(call) {
	listeners.add(call);
}

// On paper nothing scrolls: graphs are drawn whole.
export function isOnPaper() {
	return isPrinted || print.matches;
}

// Nobody is told any more: what listened is not shown any more.
export function forgetThemes() {
	listeners.clear();
}

export function themeSwitch() {
	for (const query of [system, print])
		query.addEventListener("change", tell);
	for (const [name, is] of [["beforeprint", true], ["afterprint", false]])
		window.addEventListener(name, () => {
			isPrinted = is;
			tell();
		});
	tell();
	return choice("Theme", [["auto", "auto"], ["light", "light"], ["dark", "dark"]], "auto", (value) => {
		chosen = value;
		tell();
	});
}
