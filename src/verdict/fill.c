/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Judges how a container moved, from its lengths at each reading. */
#include <math.h>

#include "base/thresholds.h"
#include "verdict/fill.h"

/* Seconds from @then_ns to the last reading. */
static double seconds_since(const struct fill *f, uint64_t then_ns)
{
	return f->last_ns > then_ns ? (double)(f->last_ns - then_ns) / 1e9 : 0;
}

static double per_s(const struct fill *f)
{
	double s = seconds_since(f, f->first_ns);

	return f->last > f->first && s > 0 ? (double)(f->last - f->first) / s : 0;
}

bool fill_is_filling(const struct fill *f, struct verdict_bound *out)
{
	*out = (struct verdict_bound){.most = f->most,
				      .entries = f->last,
				      .per_s = per_s(f),
				      .name = f->name,
				      .what = f->what};
	if (!f->addr || !f->most)
		return false;
	if (f->full_ns)
		return (f->first < f->most || f->last > f->first) &&
		       (double)(f->last_ns - f->full_ns) < FILL_SHOWS_S * 1e9;
	/* a container that stands still for long is not where the growth goes */
	return f->last > f->first || (double)(f->last_ns - f->first_ns) < FILL_SETTLE_S * 1e9;
}

bool fill_is_cut(const struct fill *f, double oldest_s, double *since_s)
{
	double before_s = (double)f->before_ns / 1e9;

	*since_s = seconds_since(f, f->cut_ns);
	if (!f->addr || !f->peak || *since_s > fmax(CUT_ENDS_S, CUT_ENDS_PART * before_s))
		return false;
	/* after a few seconds all survivors were looked at again: an older one was not emptied out
	 */
	return *since_s < CUT_LOOKED_S || oldest_s <= CUT_OUTLIVED * *since_s;
}

static double calm_s(const struct fill *f)
{
	return f->addr ? seconds_since(f, f->calm_ns) : 0;
}

/* Entries a second by the line through all readings, and the standard error of that. False: there
 * are too few for an error. */
static bool trend(const struct fill *f, double *per_s, double *error)
{
	const struct fill_sums *k = &f->sums;
	double s_s, s_more, left;

	if (!(k->n >= 3))
		return false;
	s_s = k->s_s - k->s * k->s / k->n;
	s_more = k->s_more - k->s * k->more / k->n;
	if (!(s_s > 0))
		return false;
	*per_s = s_more / s_s;
	left = k->more_more - k->more * k->more / k->n - *per_s * s_more;
	*error = sqrt(fmax(left, 0) / (k->n - 2) / s_s);
	return true;
}

/* Does it gain beyond its scatter, of late as before? An entry may be of many objects, and the rate
 * by which so many @came may be far too high. */
static bool rises_on(const struct fill *f, double gain, double came)
{
	double per_s, error;

	return gain >= LEAK_SAMPLES && gain > REST_RISE_PART * came && trend(f, &per_s, &error) &&
	       per_s > CHANCE_SURE * error && gain * GOES_ON_APART >= per_s * calm_s(f);
}

static bool is_met(const struct fill *f, double came)
{
	double gain = f->last > f->calm ? (double)(f->last - f->calm) : 0;

	return gain <= REST_GAIN_PART * came && !rises_on(f, gain, came);
}

double fill_rests_s(const struct fill *f, double adds_per_s)
{
	double came = calm_s(f) * adds_per_s;

	return calm_s(f) >= REST_S && came >= REST_ADDS && is_met(f, came) ? calm_s(f) : 0;
}

/* Has it wavered about one level, so closely that entries of REST_EACH of the objects would have
 * shown? */
static bool wavers(const struct fill *f, double adds_per_s)
{
	double per_s, error;

	return f->sums.n >= REST_READS && trend(f, &per_s, &error) &&
	       per_s <= CHANCE_SURE * error &&
	       (per_s + CHANCE_SURE * error) * REST_EACH <= adds_per_s &&
	       fill_rests_s(f, adds_per_s) * adds_per_s >= REST_SURE_ADDS;
}

bool fill_lags(const struct fill *f, double adds_per_s)
{
	double s = seconds_since(f, f->first_ns);
	double gain = f->last > f->first ? (double)(f->last - f->first) : 0;

	if (!f->addr || s < REST_S || s * adds_per_s < REST_SURE_ADDS)
		return false;
	/* careful: an entry may be of many objects, and only one of many containers is read */
	return (gain <= REST_GAIN_PART * s * adds_per_s && gain < REST_SURE_ADDS &&
		gain <= REST_STEPS_PART * (double)f->first) ||
	       wavers(f, adds_per_s);
}

bool fill_goes_on(const struct fill *f, double adds_per_s, double faster)
{
	double rate = per_s(f), since = f->last > f->calm ? (double)(f->last - f->calm) : 0;
	bool is_calm =
		calm_s(f) >= GOES_ON_CALM_S && since * GOES_ON_APART < calm_s(f) * adds_per_s;

	return f->addr && seconds_since(f, f->first_ns) >= GOES_ON_S && !is_calm &&
	       rate * GOES_ON_APART >= adds_per_s && rate <= faster * adds_per_s;
}

bool is_paced(double before, double later, double longer, bool surely)
{
	/* entries per equal time; the error of each number is its square root */
	double as_long = later / longer, chance = surely ? sqrt(before + as_long) : 0;

	return fmin(before, later) >= PACED_FEWEST && before + chance <= PACED_APART * as_long;
}

bool fill_grows_on(const struct fill *f)
{
	bool in_both = f->mid_ns ? f->mid > f->first && f->last > f->mid : f->calm > f->first;

	return f->last >= f->first + LEAK_SAMPLES && in_both && fill_goes_on(f, per_s(f), 1);
}

bool fill_fades(const struct fill *f)
{
	double s = seconds_since(f, f->next_ns), came = (double)f->last - (double)f->next;

	return f->next_ns && s >= GOES_ON_CALM_S && came * GOES_ON_APART < s * per_s(f);
}

static bool keeps_pace(const struct fill *f, bool surely)
{
	double s = seconds_since(f, f->first_ns), before_s = s - seconds_since(f, f->mid_ns);

	return f->mid_ns && s >= PACED_S && before_s > 0 && !fill_fades(f) &&
	       is_paced((double)f->mid - (double)f->first, (double)f->last - (double)f->mid,
			(s - before_s) / before_s, surely);
}

double fill_paced_s(const struct fill *f, double adds_per_s)
{
	return fill_goes_on(f, adds_per_s, GOES_ON_APART) && keeps_pace(f, true)
		       ? seconds_since(f, f->first_ns)
		       : 0;
}

double fill_paced_per_s(const struct fill *f, double adds_per_s)
{
	double rate = per_s(f);

	return fill_goes_on(f, rate, 1) && keeps_pace(f, false) &&
			       rate * GOES_ON_APART >= adds_per_s
		       ? rate
		       : 0;
}

/* By more than chance makes of as many. */
static bool lacks(double came, double expected)
{
	return came < expected - CHANCE_SURE * sqrt(fmax(came + expected, 0));
}

bool fill_may_keep_pace(const struct fill *f, double adds_per_s)
{
	double s = seconds_since(f, f->first_ns), later_s = seconds_since(f, f->mid_ns);
	double before = (double)f->mid - (double)f->first, later = (double)f->last - (double)f->mid;
	double next_s = f->next_ns ? seconds_since(f, f->next_ns) : 0;

	if (!f->addr || lacks(s * per_s(f), s * adds_per_s / GOES_ON_APART) ||
	    (next_s > 0 &&
	     lacks((double)f->last - (double)f->next, next_s * per_s(f) / GOES_ON_APART)))
		return false;
	if (!f->mid_ns)
		return s < PACED_S;
	return (s < PACED_S || fmin(before, later) < PACED_FEWEST) &&
	       !lacks(later * (s - later_s) / later_s, before / PACED_APART);
}

bool fill_replaces(const struct fill *f, size_t n, double came, bool did)
{
	/* with too few objects to see it, the last answer stays true until the container grows */
	if (n < REPLACED_ENOUGH)
		return did && f->calm_ns != f->last_ns;
	return calm_s(f) >= REST_REPLACE_S && is_met(f, came);
}
