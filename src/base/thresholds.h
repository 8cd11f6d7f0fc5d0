/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every threshold of the judgement, by the section of docs/SCORING.md that explains it, where the
 * same values stand in a table. Seconds, bytes, shares of one, times, numbers of things. A new
 * value is tried on all recordings by `make judge-table`; `make judge-mutate` tells which matter.
 */
#ifndef PYLEAK_THRESHOLDS_H
#define PYLEAK_THRESHOLDS_H

/* ---- The curve ---- */

/* points of a stretch */
#define CURVE_FEWEST 6
/* F of a change of slope that is believed ... */
#define CURVE_CHANGE_GAIN 20
/* ... or of one so clear that its misfit about a line is no scatter ... */
#define CURVE_CHANGE_CLEAR 200
/* ... how many errors it must be ... */
#define CURVE_CHANGE_SURE 4
/* ... and which part of the slope */
#define CURVE_CHANGE_PART 0.25
/* of the whole range: a fall that makes a tooth ... */
#define CURVE_TOOTH_PART 0.3
/* ... and of the scatter */
#define CURVE_TOOTH_NOISE 8
/* times the longest pause before: a level lasts longer, and by no more differ a pause and its batch
 * from those before */
#define CURVE_PAUSES 1.5
/* times what the values usually move by: a late change is more */
#define CURVE_USUAL 2
/* of teeth: their slope is trusted */
#define CURVE_MANY_MINIMA 8
/* fewer must rise by so many times what the worst of them lies off their line ... */
#define CURVE_FEW_MINIMA_SURE 5
/* ... and by this part of the teeth: four of noise rise by themselves one time in 24 */
#define CURVE_FEW_MINIMA_PART 0.3
/* times the longest of them without another: there are no more */
#define CURVE_TEETH_OVER 3
/* of the slope before: what may be left of it on a level */
#define CURVE_LEVEL_PART 0.25
/* of the slope before: less is a bend */
#define CURVE_BENT 0.75
/* of the first half: a second half that brought as much is a slight bend ... */
#define CURVE_SLIGHT 0.9
/* ... which is one from such an F on */
#define CURVE_SLIGHT_GAIN 30
/* time constants: so long the end of a saturation may look straight */
#define CURVE_TAIL 3
/* ... or with fewer steps of chance */
#define CURVE_TAIL_GRAINS 30
/* times the squared error of two lines that meet: a saturation is none that misses by more */
#define CURVE_CORNER 3
/* the 95 % point of chi squared */
#define CURVE_NO_BETTER 3.84
/* of the slope: what was slower than so much in between is no saturation that goes on */
#define CURVE_RESTED 0.5
/* of the steepest slope: a saturation that has nearly come to its end */
#define CURVE_NEARLY 0.1
/* of the time: growth that stands still for so long pauses between two batches ... */
#define BATCH_PAUSE 0.1
/* ... when it moves by no more than this part of all */
#define BATCH_CALM 0.05
/* times the scatter: a fall of memory that an allocator may have given back ... */
#define TREND_FALL_NOISE 2.5
/* ... and at least this part of what was gained ... */
#define TREND_FALL_LEAST 0.08
/* ... which a step up of this part of it has taken, and is made up for by as much more ... */
#define TREND_FALL_BEYOND 0.5
/* ... as long as all of them are less than this part of what was gained */
#define TREND_FALL_PART 0.5

/* ---- The site ---- */

/* survivors of one stack that make a site: a single one may be anything */
#define SITE_FEWEST 2
/* quarters of the time in which a single block must have got bigger, to be a site where nothing
 * else grows */
#define SITE_BLOCK_QUARTERS 2
/* the same of descriptors and threads */
#define SITE_FEWEST_FDS 2
/* what gains less in all is not worth waking somebody for, yet */
#define LEAK_BYTES 4096
/* ... nor what gains less than this part of what the process has */
#define LEAK_PART 0.0005
/* age of the oldest survivor: entries of a short-lived cache survive some seconds, too */
#define LEAK_AGE_S 10
/* watched so long */
#define LEAK_RUN_S 15
/* of the blocks that came at the pace of a leak: so many are there */
#define LEFT_PART 0.5
/* the straight part of the curve */
#define LEAK_RISE_S 10
/* of the fastest pace: what has risen at so much of it all along needs no long last stretch */
#define LEAK_RISE_PART 0.5
/* survivors */
#define LEAK_SAMPLES 4
/* windows they were born in */
#define LEAK_BURSTS 3
/* quarters of the run: the youngest has nobody old enough yet in a short one */
#define LEAK_QUARTERS 2
/* ... that counts from when growth began, but has so many seconds at least */
#define LEAK_QUARTERS_S 480
/* ... unless the container that they are in was seen to grow for so long ... */
#define GOES_ON_S 15
/* ... until so shortly before ... */
#define GOES_ON_CALM_S 5
/* ... at a pace that is no more than so many times slower than theirs ... */
#define GOES_ON_APART 1.5
/* ... nor so many times faster, for others may be in it, too ... */
#define GOES_ON_FASTER 3
/* ... then so many windows are enough */
#define GOES_ON_BURSTS 2
/* growth that slows down is a leak's where its container has grown for so long ... */
#define PACED_S 20
/* ... at first by no more than so many times the pace of later ... */
#define PACED_APART 1.1
/* ... as so many entries tell of each ... */
#define PACED_FEWEST 100
/* ... in so much of the time over which it bends ... */
#define PACED_PART 0.6
/* ... with so much confidence */
#define PACED_SURE 0.75
/* of what all pools gained: who takes so much slows down when they do ... */
#define SLOWS_PART 0.7
/* ... and its second half brought so much less than its first */
#define SLOWS_LATE 0.9
/* seconds: a shorter line is no leak yet ... */
#define YOUNG_LINE_S 30
/* ... whose second half brought less than this part of its first */
#define YOUNG_LINE_LATE 0.85
/* seconds: a limit as near as that is told, whatever may end the growth before */
#define ETA_NEAR_S 600
/* of the run: the rest is what a curve cuts off at its ends */
#define LEAK_ALL_ALONG 0.9
/* of the time watched: entries of a full cache are younger, on average; those of a leak half as old
 */
#define YOUNG_PART 0.3
/* standard errors below those of a leak */
#define YOUNG_SURE 3
/* of the survivors since growth began: so many from as long before, of a line whose survivors die,
 * are those of a store whose load has grown ... */
#define BEFORE_PART 0.1
/* ... and so many samples */
#define BEFORE_FEWEST 4
/* standard errors of what chance makes of as many that come and go: less growth is none ... */
#define CHANCE_SURE 2
/* ... once so many have come */
#define CHANCE_BORN 100
/* of the survivors of a line died later: what it makes does not stay */
#define SITE_MORTAL 0.1
/* what has levelled at less is not worth a line */
#define WARMUP_BYTES 32768
/* times what there is room for: a window tells of more than there is */
#define NATIVE_TOO_MUCH 1.3
/* fewer are a container or two */
#define NATIVE_FEW_BLOCKS 4
/* that a sum of samples goes on, which slows down within its noise */
#define NATIVE_NOISY_SURE 0.7
/* of what memory outside of the pools grows by: where that slows down, so does who takes so much */
#define NATIVE_MOST 0.9
/* of its blocks: more at once is another window that met some */
#define NATIVE_MET_PART 0.08
/* windows: fewer say nothing of how its blocks come */
#define NATIVE_MET_FEWEST 4
/* as likely a silence may be chance */
#define NATIVE_SILENCE 0.05
/* of the time: who waits less for a processor does not slow down by it */
#define WAITED_PART 0.05
/* of a moment at most: threads wait side by side */
#define WAITED_MOST 0.95
/* that growth goes on which is straight but for the waiting */
#define WAITED_SURE 0.7
/* times a second that a program comes to run at least: of fewer nothing follows */
#define WORK_TURNS 2
/* of the clock's pace: so slowly time goes on at least by what the program does */
#define WORK_LEAST 0.02
/* of the bend that the clock shows: so much may be left by what the program does */
#define WORK_LEFT 0.5
/* of its usual pace: what is slower stands still ... */
#define WORK_STILL 0.3
/* ... and has paused when it did for so many seconds */
#define WORK_STILL_S 3
/* of the pace before: what has slowed down to so much is still called a leak when it ebbs ... */
#define WORK_MILD 0.5
/* ... and when by the work it grows by so much of what it grew by before ... */
#define WORK_EVEN 0.9
/* ... with so much confidence */
#define WORK_SURE 0.6
/* seconds that the series of the work may begin later, or end earlier */
#define WORK_APART_S 2
/* of itself: with a greater error the share of births that stays is not told */
#define STAYS_ERROR 0.05
/* windows with survivors in either half of the births: of fewer no error is known */
#define STAYS_WINDOWS 8
/* errors by which the halves may differ: the share is the same whatever the load */
#define STAYS_APART 2
/* what the collector could still free is waited for: a full collection, or so long */
#define GC_WAIT_S 20
/* survivors that make an older rung trustworthy */
#define RUNG_ENOUGH 5
/* ... and of types that were looked at more often than others so many */
#define RUNG_OFTEN 12
/* of the time watched: an older rung leaves too little of it */
#define RUNG_PART 0.6
/* of the run: births from before a stretch that began so late say nothing about it ... */
#define LATE_PART 0.5
/* ... when it is long enough to have survivors of its own */
#define LATE_S 20
/* ... and when so many of them are to be expected in it: fewer may all have been missed */
#define LATE_FEWEST 4
/* of what survivors stand for where memory grows: less is none */
#define ROOF_PART 0.5
/* floors lag behind by no more */
#define LAG_MAX_S 5
/* later windows in which an object with the content of others would have been seen to be replaced
 */
#define TWIN_CHANCES 4
/* of what the strongest stack of one content has: less took over its addresses; and of a stack's
 * survivors: so many of its like seen to be replaced, all may be what replaced them */
#define TWIN_FAIR_PART 0.15
/* times the usual gap without a birth, far more where only few gaps are known, by the clock and by
 * the time that was watched: it has stopped ... */
#define QUIET_GAPS 4
/* ... and so long at least */
#define QUIET_S 5
/* of the survivors of a line died later: the others may be what a leak elsewhere has put in their
 * place ... */
#define DOUBT_MORTAL 0.3
/* ... where so many of the class are of lines none of whose died ... */
#define DOUBT_MOST_PART 0.5
/* ... or it has less than this part of them */
#define DOUBT_FEW_PART 0.01
/* times as many births as were not watched: no survivor stands for more */
#define CRAWLS 10
/* of what the survivors of something full would make it grow by: less, and they make place */
#define FULL_STAYS 0.5
/* censuses: of fewer nothing tells how evenly types grow */
#define CENSUS_ENOUGH 3
/* of the time between the first and the last a line must have grown to be compared */
#define CENSUS_PART 0.7
/* ... and this part is nearly all of it */
#define CENSUS_WHOLE 0.9
/* seconds between the first and the last: a type that has risen all along ... */
#define TYPE_S 15
/* ... by so many objects ... */
#define TYPE_FEWEST 300
/* ... this part of them in the second half of the time ... */
#define TYPE_LATE 0.35
/* ... or this part, of a plain type, when nothing else is said: garbage is made of those, too */
#define TYPE_LATE_PLAIN 0.2
/* ... as a straight line would within this part is told where no line of the program is */
#define TYPE_STRAIGHT 0.8
/* of its growth is brought by lines that are known: then they tell it */
#define TYPE_HAS_LINE 0.5
/* of the growth of a process, by a type of which no more objects come: they get bigger */
#define TYPE_BIGGER 0.5
/* times what as many more of their mean size would take: so much more do objects that get bigger */
#define TYPE_OUTGROWS 2
/* times what the censuses count: a size class that says more of a type alone pays for that, alone,
 * where it is ... */
#define CENSUS_APART 2
/* ... more than this part of the type's objects, which come and go ... */
#define CENSUS_NOISE 0.01
/* ... and so many beyond that */
#define CENSUS_FEW 100

/* of a line's objects, and of what all lines say of that type: the type is this line's */
#define CENSUS_OWN 0.9
/* away from a half: what came in the second half of the time, where a type came evenly */
#define CENSUS_EVEN 0.05
/* of the time that they cover: the last of them may be so old, and tell of now */
#define CENSUS_STALE 0.25
/* standard errors of a line's samples: by so much its rate may be another one than the census' */
#define CENSUS_SURE 3

/* ---- Confidence ---- */

/* is taken off for a single survivor, less for more */
#define SURE_ONE 0.5
/* of it is left when its objects cannot be told from others */
#define SURE_WEAK 0.3
/* without a curve: an age that is as good as any */
#define SURE_AGE_S 30
/* without a curve: what is left for the youngest */
#define SURE_YOUNG 0.4
/* that what has levelled stays so */
#define SURE_LEVEL 0.8
/* that nothing grows */
#define SURE_STEADY 0.5
/* of it is left when what holds them does not grow */
#define SURE_RESTS 0.3

/* ---- A container with a bound ---- */

/* so long it may stand still and pass for filling */
#define FILL_SETTLE_S 5
/* after so long a curve shows that it has levelled */
#define FILL_SHOWS_S 20
/* of a line's objects are of the type of a container's entries: it makes these */
#define ENTRY_PART 0.2
/* ... and comes before another line whose objects hang from these, when it loses so much of that */
#define ENTRY_LEADS_PART 0.4
/* of the survivors on one path, before they are called kept by what does not grow */
#define HOLDER_MOST 0.5
/* seconds that blocks of C code which a cycle owns wait, and for a full collection in them */
#define BLOCK_WAITS_S 120
/* ... but so many at most where no object as old tells whether one has come */
#define BLOCK_WAITS_MOST_S 600
/* full collections that a cycle through memory of C code has outlived when it is no garbage */
#define CYCLE_OUTLIVES 3
/* blocks of C code that windows saw: so many are called a leak without knowing who holds them */
#define HOLDER_BLOCKS 10
/* ... and of those that are each seen, while that is asked */
#define HOLDER_BLOCKS_SEEN 32
/* of the blocks that windows saw: nothing points to so many, and they are lost, not freed unseen */
#define HOLDER_LOST 0.8
/* of the survivors on one path from a living root */
#define HOLDER_ROOTED 0.5
/* of the survivors in CPython's own cache of methods */
#define METHOD_CACHE_SHARE 0.5
/* places in it; what is estimated to be more is somewhere else, too */
#define METHOD_CACHE_ENTRIES 4096
/* blocks as big as a page of a database, at least */
#define PAGE_BYTES 1024
/* what a database may keep of them: with more the bound is another one, or there is none */
#define PAGE_CACHE_BYTES 4194304

/* ---- A container that does not grow ---- */

/* so long it rests until that is worth a word ... */
#define REST_S 3
/* ... and until its objects do not count any more */
#define REST_REPLACE_S 8
/* objects must have come meanwhile, and left it as long as it was */
#define REST_ADDS 4
/* of the objects that came: with more they may have places of their own */
#define REST_GAIN_PART 0.05
/* of its entries: what a full store wavers by */
#define REST_CALM_PART 0.005
/* of its entries: by less it has not grown in steps */
#define REST_STEPS_PART 0.05
/* objects must have come into what has not grown: it is no leak */
#define REST_SURE_ADDS 20
/* objects for each entry: more lie elsewhere, too, or its entries grow */
#define REST_EACH 4
/* of the entries: a container with fewer left was emptied */
#define CUT_PART 0.5
/* entries: of less the half says nothing */
#define CUT_FEWEST 64
/* times as old as that: what lived through it is a leak all the same ... */
#define CUT_OUTLIVED 2
/* ... but not before all have been looked at since */
#define CUT_LOOKED_S 60
/* so long after it, it says nothing ... */
#define CUT_ENDS_S 300
/* ... or so many times as long as it had been looked at before */
#define CUT_ENDS_PART 2
/* objects that came since it has rested */
#define REPLACED_ENOUGH 8
/* entries: less is chance */
#define REPLACED_FEWEST 3
/* of the entries were seen to be born: no window sees all */
#define REPLACED_NEW_PART 0.3
/* are needed to see whether later ones are bigger ... */
#define REPLACED_SIZES 8
/* ... by less than this they are not */
#define REPLACED_SIZE_PART 0.02

/* ---- The process ---- */

/* of its growth: leaks of less do not make a leak of it */
#define PROCESS_LEAK_PART 0.1
/* of a sum */
#define PROCESS_MOST 0.5
/* lines that have a sum */
#define PROCESS_LINES 3
/* of RSS: a move that is worth a word ... */
#define PROCESS_MOVED_PART 0.1
/* ... and at least so much */
#define PROCESS_MOVED_BYTES 1048576
/* of RSS: less is a page here and there */
#define PROCESS_CLIMB_BYTES 262144
/* of live blocks, which are counted */
#define PROCESS_COUNT_BYTES 65536
/* bytes per second: RSS moves by pages all the time */
#define PROCESS_NOISE 512
/* its age is said */
#define PROCESS_YOUNG_S 120
/* how sure of growth that no line stands out for */
#define PROCESS_UNEXPLAINED 0.2
/* nobody is told to wait for so long */
#define PROCESS_LONG_S 600

/* ---- The order of sites ---- */

/* what grows and is no leak yet turns out to be one in about so many cases */
#define ORDER_GROWING 0.25
/* the same of what fills a container with a bound */
#define ORDER_BOUNDED 0.05
/* a descriptor counts as so much memory */
#define ORDER_FD_BYTES 262144
/* and a thread */
#define ORDER_THREAD_BYTES 16777216

/* ---- Memory: limits, retention, alerts ---- */

/* 95 in 100 when the error is normal */
#define ETA_SIGMAS 2
/* no leak keeps its pace better than this from one minute to the next */
#define ETA_PACE_ERROR 0.05
/* beyond a year nobody is served by a date */
#define ETA_FAR_S 31536000
/* times slower than another measure: it sees a part only */
#define ETA_PARTIAL 3
/* less is start-up noise: a lazily touched library, the stack of a thread */
#define RETENTION_BYTES 4194304
/* of RSS */
#define RETENTION_SHARE 0.04
/* watched so long */
#define RETENTION_S 8
/* of the growth: the part of what is named */
#define RETENTION_CULPRIT 0.6
/* of the growth: what live bytes may have grown by */
#define RETENTION_LIVE 0.34
/* of the growth: sites with more of it explain it */
#define RETENTION_SITES 0.5
/* free inside though nothing grows: a spike before we came ... */
#define RETENTION_IDLE_BYTES 25165824
/* ... and this part of RSS */
#define RETENTION_IDLE_SHARE 0.5

/* ---- Two watches ---- */

/* samples for an independent one, where that is not known: what a request leaves behind */
#define DIFF_CLUSTER 4
/* times as many must be missing where a site is in one of two reports: the other does not tell of
 * one that did not rise in a straight line */
#define DIFF_UNSEEN 4
/* of a rate: what a program does more or less of in another watch */
#define DIFF_WANDER 0.1
/* times: a smaller difference is none, however sure it is */
#define DIFF_LEAST 1.25
/* of the pairs of watches of the same thing: no more are told to differ */
#define DIFF_LEVEL 0.05

#endif
