# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Prints what a kernel's console tells of faults: each with the lines before it and its stack, at most ROOM lines in all.
# A warning counts where the code is at fault that watching uses: probes, tracing, memory, forks, locks. Its file comes before
# "at" from 6.19 on; a kernel without CONFIG_DEBUG_BUGVERBOSE tells of none.
function fault(line) {
	if (line ~ /WARNING: .* at /)
		return line ~ /(at|WARNING:) (kernel\/(events|trace|bpf|fork|locking|rcu|sched|cgroup|freezer|signal|exit|pid)|mm|fs\/(proc|tracefs|kernfs)|arch\/x86\/(mm|kernel\/uprobes)|lib)/ || line !~ / [a-z0-9_\/-]+\.[ch]:[0-9]+/
	return line ~ /BUG: |WARNING: |Oops[: ]|general protection fault|KASAN: |blocked for more than|list_(add|del) corruption|Kernel panic|rcu: INFO: .*stall|exited with irqs disabled|exited with preempt_count/
}
BEGIN {
	room = ROOM ? ROOM : 150
}
{
	if (fault($0)) {
		for (i = NR - 3; i < NR; i++)
			if (i > shown && (i in kept) && room-- > 0)
				print kept[i]
		follow = 60
	}
	if (follow-- > 0) {
		shown = NR
		if (room-- > 0)
			print
	}
	kept[NR] = $0
	delete kept[NR - 4]
}
