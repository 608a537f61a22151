/* axis.c - values onto pixels, and round numbers at the ticks.
 *
 * Linear axes have ticks 1, 2 or 5 times a power of ten apart; axes of time, steps that clocks have; logarithmic ones 1, 2 and 5
 * of each power of ten, or the powers alone where those are many (after Heckbert, "Nice numbers for graph labels", Graphics Gems,
 * 1990).  The ends of an axis are the data's with some air, not ticks: a chart shall show its points, not its frame. */
#include "drawing.h"

#include <math.h>
#include <stdio.h>

static const double air = 0.04; /* of the length, at each end */

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* The least of 1, 2, 5 × 10^k that is at least `least`. */
static double round_step(double least)
{
    const double power = pow(10, floor(log10(least)));
    static const double nice[] = {1, 2, 5, 10};
    for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
        if (nice[i] * power >= least * (1 - 1e-9))
            return nice[i] * power;
    return 10 * power;
}

static double time_step(double least)
{
    static const double nice[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                  600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    if (least < 1)
        return round_step(least);
    for (size_t i = 0; i < sizeof nice / sizeof *nice; i++)
        if (nice[i] >= least)
            return nice[i];
    return 86400 * round_step(least / 86400);
}

static void add_tick(nas__axis *axis, double tick)
{
    if (axis->tick_count < NAS__TICKS)
        axis->ticks[axis->tick_count++] = tick;
}

static void linear_ticks(nas__axis *axis, int wanted, bool whole)
{
    const double least = (1 - 2 * air) * (axis->high - axis->low) / (wanted > 1 ? wanted : 1);
    axis->step = axis->time ? time_step(least) : round_step(axis->percent ? 100 * least : least);
    if (axis->percent)
        axis->step /= 100;
    if (whole && axis->step < 1)
        axis->step = 1;
    const double first = ceil(axis->low / axis->step - 1e-9);
    for (int i = 0; i < NAS__TICKS; i++) {
        const double tick = (first + i) * axis->step;
        if (tick > axis->high + 1e-9 * axis->step)
            break;
        add_tick(axis, tick);
    }
}

static void log_ticks(nas__axis *axis, int wanted)
{
    const int first = (int)floor(log10(axis->low)), last = (int)ceil(log10(axis->high));
    const int every = (last - first) / (wanted > 1 ? wanted : 1) + 1;
    const double within = log10(axis->high / axis->low);
    axis->step = 0;
    for (int power = first; power <= last; power++) {
        static const int parts[] = {1, 2, 5};
        const int part_count = within > 2.5 ? 1 : 3;
        for (int i = 0; i < part_count && power % every == 0; i++) {
            const double tick = parts[i] * pow(10, power);
            if (tick >= axis->low * (1 - 1e-9) && tick <= axis->high * (1 + 1e-9))
                add_tick(axis, tick);
        }
    }
    if (axis->tick_count < 2) {
        axis->tick_count = 0;
        linear_ticks(axis, wanted, false);
    }
}

/* ---- an axis ------------------------------------------------------------------------------------------------- */

static void set_ends(nas__axis *axis, double low, double high)
{
    if (axis->log) {
        const double ratio = high > low ? pow(high / low, air) : 1.5;
        axis->low = low / ratio;
        axis->high = high * ratio;
        return;
    }
    const double room = high > low                        ? air * (high - low)
                        : axis->percent && fabs(low) <= 1 ? 0.05
                        : low == 0                        ? 1
                                                          : 0.1 * fabs(low);
    axis->low = low - room;
    axis->high = high + room;
    if (low >= 0 && axis->low < 0)
        axis->low = 0;
    if (axis->percent && high <= 1 && axis->high > 1)
        axis->high = 1;
}

void nas__axis_fit(nas__axis *axis, double low, double high, int wanted, bool whole)
{
    const double largest = 1e150; /* so that differences and squares stay finite */
    low = fmax(fmin(low, largest), axis->log ? 1 / largest : -largest);
    high = fmax(fmin(high, largest), low);
    if (!isfinite(low) || !isfinite(high))
        low = high = axis->log ? 1 : 0;
    if (!axis->log && high - low < 1e-12 * fmax(fabs(low), fabs(high)))
        high = low; /* no digits of a double would tell ticks apart */
    axis->tick_count = 0;
    set_ends(axis, low, high);
    if (axis->log)
        log_ticks(axis, wanted);
    else
        linear_ticks(axis, wanted, whole);
}

double nas__axis_place(const nas__axis *axis, double value)
{
    if (!isfinite(value) || (axis->log && value <= 0))
        return NAN;
    const double part = axis->log ? log(value / axis->low) / log(axis->high / axis->low)
                                  : (value - axis->low) / (axis->high - axis->low);
    return axis->from + part * (axis->to - axis->from);
}

/* ---- labels --------------------------------------------------------------------------------------------------- */

/* Decimals that tell multiples of `step` apart. */
static int decimals_of(double step)
{
    const int digits = (int)ceil(-log10(step) - 1e-9);
    return digits > 0 ? digits : 0;
}

static void scaled_label(double tick, double step, double largest, nas_text *label)
{
    static const struct {
        double from, unit;
        const char *sign;
    } units[] = {{1e13, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}};
    double unit = 1;
    const char *sign = "";
    for (size_t i = 0; i < sizeof units / sizeof *units && unit == 1; i++)
        if (largest >= units[i].from && largest < 1e18) {
            unit = units[i].unit;
            sign = units[i].sign;
        }
    if (largest >= 1e18 || largest < 1e-3) {
        nas__number_words(label, tick);
        return;
    }
    nas__number_fixed(label, tick / unit, decimals_of(step / unit), false);
    nas_text_add(label, tick != 0 ? sign : "");
}

static void time_label(const nas__axis *axis, double tick, nas_text *label)
{
    const double largest = fmax(fabs(axis->low), fabs(axis->high));
    const long long minutes = llround(fabs(tick) / 60);
    if (axis->step < 1) {
        scaled_label(tick, axis->step, largest, label);
        nas_text_add(label, " s");
    } else if (axis->step >= 86400) {
        scaled_label(tick / 86400, axis->step / 86400, largest / 86400, label);
        nas_text_add(label, " d");
    } else if (axis->high >= 6 * 3600 && axis->step >= 60 && tick >= 0) {
        nas_text_format(label, "%lld:%02lld h", minutes / 60, minutes % 60);
    } else {
        nas__number_duration(label, tick);
    }
}

void nas__axis_label(const nas__axis *axis, double tick, nas_text *label)
{
    const double step = axis->step > 0 ? axis->step : tick > 0 ? tick : 1;
    const double largest = axis->step > 0 ? fmax(fabs(axis->low), fabs(axis->high)) : fabs(tick);
    if (axis->time) {
        time_label(axis, tick, label);
    } else if (axis->percent) {
        scaled_label(100 * tick, 100 * step, 100 * largest, label);
        nas_text_add(label, " %");
    } else if (axis->step > 0) {
        scaled_label(tick, step, largest, label);
    } else {
        scaled_label(tick, pow(10, floor(log10(step) + 1e-9)), largest, label);
    }
}
