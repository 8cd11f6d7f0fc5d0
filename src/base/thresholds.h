/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every threshold of the judgement, by the section of docs/SCORING.md that explains it, where the
 * same values are in a table: seconds, bytes, parts of one, factors or numbers of things. A new
 * value is tried on all recordings by `make judge-table`; `make judge-mutate` tells which matter.
 */
#ifndef PYLEAK_THRESHOLDS_H
#define PYLEAK_THRESHOLDS_H

/* ---- The curve ---- */

/* a stretch has at least so many points */
#define CURVE_FEWEST 6
/* a change of slope is believed from this F on */
#define CURVE_CHANGE_GAIN 20
/* from this F on its scatter is measured about a line through each half, not about one line */
#define CURVE_CHANGE_CLEAR 200
/* the change must be so many standard errors, and the rise since then so many times the scatter */
#define CURVE_CHANGE_SURE 4
/* the change must be this part of the steeper slope */
#define CURVE_CHANGE_PART 0.25
/* a fall makes a tooth if it is more than this part of the whole range ... */
#define CURVE_TOOTH_PART 0.3
/* ... and more than so many times the scatter */
#define CURVE_TOOTH_NOISE 8
/* a level must last for so many times the longest pause before it; a pause and the batch after it
 * may differ from those before by this factor */
#define CURVE_PAUSES 1.5
/* the rise or fall since a change must be so many times the usual move within a bucket */
#define CURVE_USUAL 2
/* with so many minima the slope of the teeth is trusted */
#define CURVE_MANY_MINIMA 8
/* fewer minima must rise by so many times the worst distance of one from their line ... */
#define CURVE_FEW_MINIMA_SURE 5
/* ... and by this part of the range: four minima of noise rise by chance one time in 24 */
#define CURVE_FEW_MINIMA_PART 0.3
/* teeth are over after so many times the longest of them */
#define CURVE_TEETH_OVER 3
/* a level may rise by this part of the slope before it */
#define CURVE_LEVEL_PART 0.25
/* a curve is bent if a later slope is less than this part of an earlier one */
#define CURVE_BENT 0.75
/* a bend is slight if the second half brought at least this part of the first ... */
#define CURVE_SLIGHT 0.9
/* ... and a slight bend is a saturation only from this F on */
#define CURVE_SLIGHT_GAIN 30
/* the end of a saturation may look straight for so many time constants ... */
#define CURVE_TAIL 3
/* ... or while it rises by fewer grains */
#define CURVE_TAIL_GRAINS 30
/* there is a corner if saturation and power of time have more than so many times the squared error
 * of two lines */
#define CURVE_CORNER 3
/* a line must fit better than a power of time by this, the 95 % point of chi squared */
#define CURVE_NO_BETTER 3.84
/* a rest that a curve begins with ends with this part of what is gained ... */
#define CURVE_REST_GAIN 0.03
/* ... and counts if it lasts for this part of the time: the curve since is judged by itself, too */
#define CURVE_REST_PART 0.08
/* there is no saturation if it was slower in between than this part of the slope */
#define CURVE_RESTED 0.5
/* a saturation has nearly ended when its slope is below this part of the steepest */
#define CURVE_NEARLY 0.1
/* a pause between two batches lasts for at least this part of the time ... */
#define BATCH_PAUSE 0.1
/* ... in which values move by no more than this part of the whole gain */
#define BATCH_CALM 0.05
/* an allocator may have given back a fall of more than so many times the scatter ... */
#define TREND_FALL_NOISE 2.5
/* ... and of at least this part of the gain ... */
#define TREND_FALL_LEAST 0.08
/* ... if a step up of this part of the fall took it; a rise by this part more makes up for it ...
 */
#define TREND_FALL_BEYOND 0.5
/* ... as long as all falls together are below this part of the gain */
#define TREND_FALL_PART 0.5

/* ---- The site ---- */

/* a stack is a site with so many survivors: a single one may be anything */
#define SITE_FEWEST 2
/* a single block is a site if it got bigger in so many quarters and nothing else grows */
#define SITE_BLOCK_QUARTERS 2
/* a stack is a site with so many descriptors or threads */
#define SITE_FEWEST_FDS 2
/* a leak gains at least so many bytes in all ... */
#define LEAK_BYTES 4096
/* ... and this part of the memory of the process */
#define LEAK_PART 0.0005
/* the oldest survivor must be so old, as entries of a short-lived cache survive some seconds */
#define LEAK_AGE_S 10
/* the process must have been watched for so long */
#define LEAK_RUN_S 15
/* this part of the blocks that came at the pace of a leak must still be there */
#define LEFT_PART 0.5
/* the curve must be straight for so long */
#define LEAK_RISE_S 10
/* the last stretch may be shorter if all rose at this part of the fastest pace */
#define LEAK_RISE_PART 0.5
/* a leak has so many survivors */
#define LEAK_SAMPLES 4
/* its survivors were born in so many windows */
#define LEAK_BURSTS 3
/* its survivors were born in so many quarters of the run: in a short one those of the youngest
 * quarter are not old enough yet */
#define LEAK_QUARTERS 2
/* quarters are those of the time since growth began, but of so many seconds at least */
#define LEAK_QUARTERS_S 480
/* quarters are not needed if the container of the survivors was seen to grow for so long ... */
#define GOES_ON_S 15
/* ... has not stood still for so long since ... */
#define GOES_ON_CALM_S 5
/* ... at a pace that is no more than so many times slower than theirs ... */
#define GOES_ON_APART 1.5
/* ... nor so many times faster, as other objects may be in it, too ... */
#define GOES_ON_FASTER 3
/* ... then so many windows are enough */
#define GOES_ON_BURSTS 2
/* growth that slows down is a leak if its container has grown for so long ... */
#define PACED_S 20
/* ... in its first half at most so many times as fast as in the second ... */
#define PACED_APART 1.1
/* ... as so many entries in each half show ... */
#define PACED_FEWEST 100
/* ... in this part of the time of the curve */
#define PACED_PART 0.6
/* confidence of such a leak */
#define PACED_SURE 0.75
/* a line that takes this part of the gain of all pools slows down if they do ... */
#define SLOWS_PART 0.7
/* ... and its second half brought less than this part of its first */
#define SLOWS_LATE 0.9
/* a line that has risen for less than so many seconds is no leak yet ... */
#define YOUNG_LINE_S 30
/* ... if its second half brought less than this part of its first */
#define YOUNG_LINE_LATE 0.85
/* a limit that is so few seconds away is reported though the growth may end before */
#define ETA_NEAR_S 600
/* a stretch of this part of the run is all of it, as a curve cuts off its ends */
#define LEAK_ALL_ALONG 0.9
/* entries of a full cache are younger on average than this part of the watched time; those of a
 * leak are about half as old */
#define YOUNG_PART 0.3
/* the mean age must be so many standard errors below that of a leak */
#define YOUNG_SURE 3
/* survivors belong to a store under more load if this part of their number since growth began is
 * from as long before ... */
#define BEFORE_PART 0.1
/* ... in at least so many samples */
#define BEFORE_FEWEST 4
/* growth may be chance if it is less than so many standard errors of the balance of as many that
 * come and go ... */
#define CHANCE_SURE 2
/* ... once so many objects have come */
#define CHANCE_BORN 100
/* objects of a line do not stay if this part of its survivors died later */
#define SITE_MORTAL 0.1
/* a line that levelled off is reported only with so many bytes */
#define WARMUP_BYTES 32768
/* sites of C code may grow by so many times the growth of their memory: estimates are too high */
#define NATIVE_TOO_MUCH 1.3
/* fewer blocks than this are taken for a container or two */
#define NATIVE_FEW_BLOCKS 4
/* confidence that a sum of samples goes on if it slows down within its noise */
#define NATIVE_NOISY_SURE 0.7
/* a sum of samples rose all along if its second half brought less than so many times its first */
#define NATIVE_EVEN 1.5
/* a line that takes this part of the growth of malloc slows down if that does */
#define NATIVE_MOST 0.9
/* a window has met new blocks if it has raised their number by this part */
#define NATIVE_MET_PART 0.08
/* fewer windows do not show how blocks come */
#define NATIVE_MET_FEWEST 4
/* a silence is chance if its likelihood is above this */
#define NATIVE_SILENCE 0.05
/* waiting for a processor explains a bend only from this part of the time on */
#define WAITED_PART 0.05
/* waiting counts for no more than this part of a moment, as threads wait at the same time */
#define WAITED_MOST 0.95
/* confidence that growth goes on which is straight but for the waiting */
#define WAITED_SURE 0.7
/* turns are used only of a program that comes to run so many times a second */
#define WORK_TURNS 2
/* time by the work goes on at this part of the clock's pace at least */
#define WORK_LEAST 0.02
/* the work explains a bend if no more than this part of it is left */
#define WORK_LEFT 0.5
/* growth that ebbs is a leak if it has slowed down to no less than this part by the clock ... */
#define WORK_MILD 0.5
/* ... and to no less than this part by the work */
#define WORK_EVEN 0.9
/* confidence of such a leak */
#define WORK_SURE 0.6
/* growth over the work ends if a line brings less than this part of its last third ... */
#define WORK_GOES_ON 0.6
/* ... and fills if the squared error of that is below this part of what is left by the clock */
#define WORK_BETTER 0.6
/* ... or if an end is likelier than none by so much of the deviance, in units of chance */
#define WORK_ENDS 1
/* growth that slows down is a leak if that it goes on is likelier by so much: 20 times */
#define WORK_GOES 6
/* the series of the work may begin so many seconds later, or end earlier */
#define WORK_APART_S 2
/* the share of births that stay is reported if its error is below this part of it ... */
#define STAYS_ERROR 0.05
/* ... and each half of the births has so many windows with survivors */
#define STAYS_WINDOWS 8
/* the share is the same under all loads if the halves differ by no more standard errors */
#define STAYS_APART 2
/* a site falls behind births of which it later keeps less than this part of what it kept first */
#define TRAFFIC_KEEPS 0.85
/* it surely does if that is below CURVE_BENT by so many standard errors */
#define TRAFFIC_SURE 3
/* it may fall behind this part of all births, which other threads make */
#define TRAFFIC_BESIDE 0.15
/* the part of all births that it keeps must be known within this part of the fall by the clock ...
 */
#define TRAFFIC_ERROR 0.4
/* ... from so many moments in each half */
#define TRAFFIC_FEWEST 2
/* garbage in cycles is waited for until a full collection, or for so many seconds */
#define GC_WAIT_S 20
/* an older rung is used with so many survivors ... */
#define RUNG_ENOUGH 5
/* ... and with so many of types that were looked at more often, if there are such ... */
#define RUNG_OFTEN 12
/* ... and its age is below this part of the time watched */
#define RUNG_PART 0.6
/* births before a stretch do not count if it began after this part of the run ... */
#define LATE_PART 0.5
/* ... is so many seconds long, and so has survivors of its own ... */
#define LATE_S 20
/* ... and so many are to be expected in it: fewer may all have been missed */
#define LATE_FEWEST 4
/* a survivor counts in the class of a block it owns only if it can stand for this part of what
 * survivors of that class stand for */
#define ROOF_PART 0.5
/* floors are late by no more seconds */
#define LAG_MAX_S 5
/* an object like others counts after so many windows in which it would have been seen replaced */
#define TWIN_CHANCES 4
/* a stack counts with this part of the survivors of the strongest stack with the same content; with
 * less it took over addresses. It does not count if this part of its survivors is like objects that
 * were replaced */
#define TWIN_FAIR_PART 0.15
/* births have stopped after so many usual gaps, by the clock and by the watched time; where few
 * gaps are known, after far more ... */
#define QUIET_GAPS 4
/* ... and after so many seconds at least */
#define QUIET_S 5
/* survivors of a line are doubtful if more than this part died later: a leak elsewhere may have
 * taken their places ... */
#define DOUBT_MORTAL 0.3
/* ... and this part of the class is of lines none of whose survivors died ... */
#define DOUBT_MOST_PART 0.5
/* ... or the line has less than this part of the class */
#define DOUBT_FEW_PART 0.01
/* a survivor stands for no more than so many times the births that were not watched */
#define CRAWLS 10
/* a store is full if its class grows by less than this part of what its survivors stand for */
#define FULL_STAYS 0.5
/* so many censuses are needed to know how evenly types grow */
#define CENSUS_ENOUGH 3
/* a line must have grown for this part of the time of all censuses to be compared ... */
#define CENSUS_PART 0.7
/* ... and for this part to have grown all along */
#define CENSUS_WHOLE 0.9
/* a type grows if its censuses cover so many seconds ... */
#define TYPE_S 15
/* ... it gained so many objects ... */
#define TYPE_FEWEST 300
/* ... this part of them in the second half of the time ... */
#define TYPE_LATE 0.35
/* ... or this part for a plain type where nothing else is found, as garbage has such objects ... */
#define TYPE_LATE_PLAIN 0.2
/* ... and gain and straight line are each at least this part of the other */
#define TYPE_STRAIGHT 0.8
/* a type is not reported if known lines bring this part of its growth */
#define TYPE_HAS_LINE 0.5
/* objects of a type get bigger if they take this part of the growth of the process without growing
 * in number ... */
#define TYPE_BIGGER 0.5
/* ... and so many times the bytes that as many more of their mean size would take */
#define TYPE_OUTGROWS 2
/* a size class may tell of so many times the gain that the censuses count of a type ... */
#define CENSUS_APART 2
/* ... and of this part of the type's objects more, as objects come and go ... */
#define CENSUS_NOISE 0.01
/* ... and of so many more: a class that tells more is the one that is scaled down */
#define CENSUS_FEW 100

/* a type is a line's own if the line has this part of it, and it this part of the line */
#define CENSUS_OWN 0.9
/* a type came evenly if the part of the second half differs from a half by no more */
#define CENSUS_EVEN 0.05
/* the last census tells of now if it is no older than this part of the time of all */
#define CENSUS_STALE 0.25
/* a line's rate may differ from the census' by so many standard errors of its samples */
#define CENSUS_SURE 3

/* ---- Confidence ---- */

/* confidence lost with a single survivor; with more it is less */
#define SURE_ONE 0.5
/* confidence is multiplied by this if its objects cannot be told from others */
#define SURE_WEAK 0.3
/* without a curve: age in seconds from which it does not lower the confidence */
#define SURE_AGE_S 30
/* without a curve: the factor for the youngest */
#define SURE_YOUNG 0.4
/* confidence that a level stays */
#define SURE_LEVEL 0.8
/* confidence that nothing grows */
#define SURE_STEADY 0.5
/* confidence is multiplied by this if the container does not grow */
#define SURE_RESTS 0.3

/* ---- A container with a bound ---- */

/* a container may stand still for so long and still be filling */
#define FILL_SETTLE_S 5
/* after so long a curve shows that a full container has levelled */
#define FILL_SHOWS_S 20
/* a line makes entries of a container if this part of its objects has their type, or if it makes
 * this part of as many of a class */
#define ENTRY_PART 0.2
/* such a line comes before one whose objects hang on its entries if it loses this part of that */
#define ENTRY_LEADS_PART 0.4
/* objects are born with the entries they lie in if windows saw so many times as many of these being
 * born as they see of all births */
#define ENTRY_BORN_WITH 3
/* one path holds most of the survivors from this part on */
#define HOLDER_MOST 0.5
/* where one container holds this part, an entry each, there are no more of them than it has */
#define HOLDER_ALL 0.995
/* blocks of C code that a cycle owns are waited for so many seconds, and for a full collection */
#define BLOCK_WAITS_S 120
/* the wait ends after so many seconds if no object of that age tells whether one has come */
#define BLOCK_WAITS_MOST_S 600
/* a cycle through memory of C code is no garbage after so many full collections */
#define CYCLE_OUTLIVES 3
/* blocks of C code seen by windows need no holder if they are so many */
#define HOLDER_BLOCKS 10
/* blocks that are each seen need no holder if they are so many, while it is asked for */
#define HOLDER_BLOCKS_SEEN 32
/* blocks seen by windows are lost, and not freed unseen, if nothing points to this part of them */
#define HOLDER_LOST 0.8
/* survivors are held by a living root if this part is on one path from it */
#define HOLDER_ROOTED 0.5
/* survivors are in CPython's cache of methods if this part was found there ... */
#define METHOD_CACHE_SHARE 0.5
/* ... and there are no more than it has places for */
#define METHOD_CACHE_ENTRIES 4096
/* blocks of a database are pages if they have so many bytes on average ... */
#define PAGE_BYTES 1024
/* ... and are its page cache if all have less than this */
#define PAGE_CACHE_BYTES 4194304

/* ---- A container that does not grow ---- */

/* that a container stands still is reported after so many seconds ... */
#define REST_S 3
/* ... and its objects do not count any more after so many ... */
#define REST_REPLACE_S 8
/* ... if so many objects came meanwhile ... */
#define REST_ADDS 4
/* ... and it gained no more than this part of them */
#define REST_GAIN_PART 0.05
/* one that rises beyond its scatter must have gained less than this part of them */
#define REST_RISE_PART 0.01
/* a full container may vary by this part of its entries */
#define REST_CALM_PART 0.005
/* a container has grown in steps if it gained this part of its entries */
#define REST_STEPS_PART 0.05
/* so many readings tell that a container wavers about one level */
#define REST_READS 5
/* so many objects must have come, by estimate, to tell that those of a container that stands still
 * are no leak */
#define REST_SURE_ADDS 20
/* with so many objects for each entry some are elsewhere, too, or the entries grow */
#define REST_EACH 4
/* a container was emptied if less than this part of its entries is left ... */
#define CUT_PART 0.5
/* ... and it had so many */
#define CUT_FEWEST 64
/* survivors so many times as old as that are a leak all the same ... */
#define CUT_OUTLIVED 2
/* ... after so many seconds, in which all were looked at again */
#define CUT_LOOKED_S 60
/* an emptying does not matter any more after so many seconds ... */
#define CUT_ENDS_S 300
/* ... or after so many times the time before it, if that is longer */
#define CUT_ENDS_PART 2
/* so many new objects are needed to tell whether a container replaces its entries */
#define REPLACED_ENOUGH 8
/* with fewer entries it may be chance */
#define REPLACED_FEWEST 3
/* this part of the entries must have been seen at birth, as no window sees all */
#define REPLACED_NEW_PART 0.3
/* so many sizes are needed to tell whether later objects are bigger ... */
#define REPLACED_SIZES 8
/* ... and they must differ by this part */
#define REPLACED_SIZE_PART 0.02

/* ---- The process ---- */

/* a process leaks if its leaks are this part of its growth */
#define PROCESS_LEAK_PART 0.1
/* most of a sum is this part of it */
#define PROCESS_MOST 0.5
/* the reason sums up lines if they are so many */
#define PROCESS_LINES 3
/* RSS has moved if it changed by this part ... */
#define PROCESS_MOVED_PART 0.1
/* ... and by so many bytes */
#define PROCESS_MOVED_BYTES 1048576
/* RSS climbs from so many bytes on: less is a page here and there */
#define PROCESS_CLIMB_BYTES 262144
/* live blocks climb from so many bytes on, as they are counted */
#define PROCESS_COUNT_BYTES 65536
/* a slope must be above so many bytes per second, as RSS always moves by pages */
#define PROCESS_NOISE 512
/* the age of a process is reported while it is below so many seconds */
#define PROCESS_YOUNG_S 120
/* confidence of growth without a line */
#define PROCESS_UNEXPLAINED 0.2
/* a wait is reported if it is no longer than so many seconds */
#define PROCESS_LONG_S 600

/* ---- The order of sites ---- */

/* weight of a growing site: about so many of them turn out to be leaks */
#define ORDER_GROWING 0.25
/* weight of one that fills a container with a bound */
#define ORDER_BOUNDED 0.05
/* a descriptor counts for so many bytes */
#define ORDER_FD_BYTES 262144
/* a thread counts for so many bytes */
#define ORDER_THREAD_BYTES 16777216

/* ---- Memory: limits, retention, alerts ---- */

/* standard errors of the interval: 95 in 100 when the error is normal */
#define ETA_SIGMAS 2
/* least error of a pace: no leak keeps it better from one minute to the next */
#define ETA_PACE_ERROR 0.05
/* a date further away than a year is not reported */
#define ETA_FAR_S 31536000
/* a measure that is so many times slower than another sees a part only */
#define ETA_PARTIAL 3
/* retention is reported from so many bytes on: less is start-up noise, such as the stack of a
 * thread ... */
#define RETENTION_BYTES 4194304
/* ... and from this part of RSS on ... */
#define RETENTION_SHARE 0.04
/* ... after so many seconds of watching */
#define RETENTION_S 8
/* a cause is named if it has this part of the growth */
#define RETENTION_CULPRIT 0.6
/* it is retention only if live bytes grew by less than this part */
#define RETENTION_LIVE 0.34
/* it is no retention if growing sites explain more than this part */
#define RETENTION_SITES 0.5
/* where nothing grows, free memory is reported from so many bytes on: a peak before the watch left
 * it ... */
#define RETENTION_IDLE_BYTES 25165824
/* ... and from this part of RSS on */
#define RETENTION_IDLE_SHARE 0.5

/* ---- Two watches ---- */

/* so many samples count as an independent one where that is not known: those of one request */
#define DIFF_CLUSTER 4
/* a site in one report alone must be so many times as frequent, as the other report does not show
 * sites that did not rise in a straight line */
#define DIFF_UNSEEN 4
/* a rate differs by this part from watch to watch without a cause */
#define DIFF_WANDER 0.1
/* a ratio below this is no difference, however sure it is */
#define DIFF_LEAST 1.25
/* no more than this part of pairs of watches of the same program is reported as different */
#define DIFF_LEVEL 0.05

#endif
