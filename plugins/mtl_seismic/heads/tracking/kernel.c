/* Alignment of traces with levels, trace by trace: what scores.py and lattice.py do, many times faster.
 *
 * Every number depends on one trace and its neighbours alone, and sums are taken in a fixed order: results do not
 * depend on which traces are aligned together. Loops over levels are written for the compiler to vectorise;
 * exponentials and logarithms are polynomials, since those of the C library are not vectorised.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOWEST (-1e30f) /* of an impossible path */
#define PAD 2           /* impossible levels above a band, so that none need be looked out for */
#define TILE 64         /* levels whose products are kept in registers */
#define LANES 16        /* partial sums, so that their order is fixed */
#define TOGETHER 16     /* levels whose keys are transposed together */

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif

typedef int64_t Int;

/* See Costs in alignment.py; `even` is the score of a row that is compared wrongly. */
typedef struct {
    float jump_per_level, thickness_change, open, inside, unmatched, wrong, missing_level, even;
} Costs;

/* Of one trace. Paths: rows x `stride`, to matched rows (after PAD impossible levels) and to unmatched rows, after the
 * level before each position of the band, one position more. Jumps onto each row: where they start, as a position in
 * the row's band, whether on an unmatched row, and the score there less the cost. */
typedef struct {
    Int rows, stride, width;
    const Int *first;
    float *scores, *unmatched_score, *matched, *unmatched, *jump_score;
    Int *jump_start;
    uint8_t *jump_unmatched;
} Lattice;

static inline float larger(float a, float b) { return a > b ? a : b; }

static inline Int within(Int value, Int low, Int high) { return value < low ? low : value > high ? high : value; }

static float largest(const float *values, Int count) {
    float best = values[0];
    for (Int i = 1; i < count; i++) best = larger(best, values[i]);
    return best;
}

static float sum(const float *values, Int count) {
    float lanes[LANES] = {0};
    Int i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++) lanes[lane] += values[i + lane];
    float total = 0;
    for (int lane = 0; lane < LANES; lane++) total += lanes[lane];
    for (; i < count; i++) total += values[i];
    return total;
}

/* The first position of a value that is known to be there. */
static Int position(const float *values, Int count, float value) {
    int32_t found = (int32_t)count;
    for (int32_t i = 0; i < (int32_t)count; i++) {
        int32_t here = values[i] == value ? i : (int32_t)count;
        found = here < found ? here : found;
    }
    return found;
}

/* 2^n times a polynomial of degree 6; at least 2^-100: products with smaller numbers would be subnormal, and slow. */
static inline float exponential(float x) {
    float power = larger(x * 1.44269504f, -100.0f);
    float whole = floorf(power + 0.5f);
    float y = (power - whole) * 0.693147181f;
    union { int32_t bits; float value; } scale;
    scale.bits = ((int32_t)whole + 127) << 23;
    float tail = 1 / 24.0f + y * (1 / 120.0f + y * (1 / 720.0f));
    return scale.value * (1 + y * (1 + y * (0.5f + y * (1 / 6.0f + y * tail))));
}

/* By the series of the inverse hyperbolic tangent; of positive normal numbers. */
static inline float logarithm(float x) {
    union { float value; int32_t bits; } split;
    split.value = x;
    float exponent = (float)((split.bits >> 23) - 127);
    split.bits = (split.bits & 0x7fffff) | 0x3f800000;
    int large = split.value > 1.41421356f;
    float y = large ? 0.5f * split.value : split.value;
    exponent = large ? exponent + 1 : exponent;
    float s = (y - 1) / (y + 1), q = s * s;
    return exponent * 0.693147181f + 2 * s * (1 + q * (1 / 3.0f + q * (1 / 5.0f + q * (1 / 7.0f + q * (1 / 9.0f)))));
}

/* Channels x rows x traces to traces x rows x channels, in tiles that stay in the cache. */
EXPORT void by_trace(Int channels, Int rows, Int traces, const float *values, float *result) {
    for (Int row = 0; row < rows; row++)
        for (Int begin = 0; begin < traces; begin += TOGETHER)
            for (Int c = 0; c < channels; c += TOGETHER)
                for (Int trace = begin; trace < begin + TOGETHER && trace < traces; trace++)
                    for (Int channel = c; channel < c + TOGETHER && channel < channels; channel++)
                        result[(trace * rows + row) * channels + channel] =
                            values[(channel * rows + row) * traces + trace];
}

/* The row, with its fraction, that first reaches each level, -1 where none does (see levels.py): traces x levels.
 * `level`: traces x rows; a step larger than `missing` levels is not a layer that thickens. */
EXPORT void rows_of_levels(Int traces, Int rows, Int levels, const float *level, const float *missing, float *result) {
    for (Int trace = 0; trace < traces; trace++) {
        const float *here = level + trace * rows;
        float *found = result + trace * levels, first = here[0], last = first;
        for (Int row = 1; row < rows; row++) last = larger(last, here[row]);
        float upper = first, lower = larger(first, here[1]); /* the deepest levels reached at rows `below` - 1, `below` */
        Int below = 1;
        for (Int wanted = 0; wanted < levels; wanted++) {
            while (lower < (float)wanted && below < rows - 1) {
                below++;
                upper = lower, lower = larger(lower, here[below]);
            }
            float step = lower - upper, part = ((float)wanted - upper) / larger(step, 1e-6f);
            part = part < 0 ? 0 : part > 1 ? 1 : part;
            int outside = (float)wanted < first - 0.5f || (float)wanted > last + 0.5f;
            found[wanted] = outside || step > *missing ? -1.0f : (float)(below - 1) + part;
        }
    }
}

/* Keys of traces (traces x rows x channels) at the row of each level (traces x levels), between rows linearly, 0 where
 * a trace lacks the level: traces x channels x levels. */
EXPORT void keys_at_levels(Int traces, Int rows, Int channels, Int levels, const float *key, const float *row_of_level,
                           float *result) {
    for (Int trace = 0; trace < traces; trace++)
        for (Int begin = 0; begin < levels; begin += TOGETHER) {
            Int count = within(levels - begin, 0, TOGETHER);
            const float *wanted = row_of_level + trace * levels + begin, *keys[TOGETHER];
            float part[TOGETHER], present[TOGETHER];
            for (Int i = 0; i < count; i++) {
                Int upper = within((Int)wanted[i], 0, rows - 2);
                keys[i] = key + (trace * rows + upper) * channels;
                part[i] = wanted[i] - (float)upper;
                present[i] = wanted[i] >= 0 ? 1.0f : 0.0f;
            }
            for (Int c = 0; c < channels; c++) {
                float *target = result + (trace * channels + c) * levels + begin;
                for (Int i = 0; i < count; i++) {
                    float above = keys[i][c], below = keys[i][c + channels];
                    target[i] = present[i] * (above + part[i] * (below - above));
                }
            }
        }
}

/* Mean keys of the neighbours at levels from `low` to before `high`, channels x `stride`, and how many have each. */
static void mean_keys(Int neighbours, const Int *neighbour, Int channels, Int levels, const float *offered,
                      const float *row_of_level, Int low, Int high, Int stride, float *restrict mean,
                      float *restrict number) {
    for (Int level = low; level < high; level++) number[level] = 0;
    for (Int c = 0; c < channels; c++) memset(mean + c * stride + low, 0, (size_t)(high - low) * sizeof(float));
    for (Int n = 0; n < neighbours; n++) {
        if (neighbour[n] < 0) continue;
        const float *rows = row_of_level + neighbour[n] * levels;
        for (Int level = low; level < high; level++) number[level] += rows[level] >= 0 ? 1.0f : 0.0f;
        for (Int c = 0; c < channels; c++) {
            const float *keys = offered + (neighbour[n] * channels + c) * levels;
            float *restrict total = mean + c * stride;
            for (Int level = low; level < high; level++) total[level] += keys[level];
        }
    }
    for (Int c = 0; c < channels; c++)
        for (Int level = low; level < high; level++) mean[c * stride + level] /= larger(number[level], 1.0f);
}

/* Dot products of a row's query with keys, channels x `stride`; `keys` may be read up to TILE levels too far. */
static void products(const float *query, const float *keys, Int stride, Int width, Int channels, float *result) {
    for (Int begin = 0; begin < width; begin += TILE) {
        float total[TILE] = {0};
        for (Int c = 0; c < channels; c++) {
            const float *key = keys + c * stride + begin;
            float factor = query[c];
            for (int i = 0; i < TILE; i++) total[i] += factor * key[i];
        }
        memcpy(result + begin, total, (size_t)within(width - begin, 0, TILE) * sizeof(float));
    }
}

/* Log-probabilities that a row lies on each level of its band; returns that of lying on none. */
static float score_row(const float *query, const float *keys, Int stride, const float *number, Int width, Int channels,
                       const Costs *costs, float *restrict scores) {
    products(query, keys, stride, width, channels, scores);
    for (Int i = 0; i < width; i++) scores[i] = number[i] > 0 ? scores[i] : LOWEST;
    float top = larger(largest(scores, width), -costs->unmatched);
    for (Int i = 0; i < width; i++) scores[i] = exponential(scores[i] - top);
    float none = exponential(-costs->unmatched - top);
    float scale = (1 - costs->wrong) / (sum(scores, width) + none);
    float unmatched = logarithm(none * scale + costs->even);
    float even = costs->even, missing = unmatched - costs->missing_level;
    for (Int i = 0; i < width; i++) scores[i] = logarithm(scores[i] * scale + even);
    for (Int i = 0; i < width; i++) scores[i] = number[i] > 0 ? scores[i] : missing;
    return unmatched;
}

/* How far a row's band lies below that of the row above; farther than its width, nothing is common. */
static Int moved(const Lattice *lattice, Int row, Int block) {
    return row ? lattice->first[row / block] - lattice->first[(row - 1) / block] : 0;
}

/* Paths to a row from the one above: see lattice.py. */
static void add_row(Lattice *lattice, Int row, Int block, float jump, const Costs *costs) {
    Int width = lattice->width, down = moved(lattice, row, block), shift = within(down, 0, width + PAD);
    const float *before = lattice->matched + (row - 1) * lattice->stride, *gap = lattice->unmatched + (row - 1) * lattice->stride;
    const float *scores = lattice->scores + row * (lattice->stride);
    float *restrict matched = lattice->matched + row * lattice->stride + PAD;
    float *restrict unmatched = lattice->unmatched + row * lattice->stride;
    float best = largest(before + PAD, width), best_gap = largest(gap, width);
    int from_gap = best_gap > best;
    Int start = (from_gap ? position(gap, width, best_gap) - 1 : position(before + PAD, width, best)) - down;
    float jump_score = larger(best, best_gap) - jump, none = lattice->unmatched_score[row];
    lattice->jump_start[row] = start, lattice->jump_unmatched[row] = (uint8_t)from_gap;
    lattice->jump_score[row] = jump_score;
    before += shift, gap += shift;
    float per_level = costs->jump_per_level, change = costs->thickness_change, opening = costs->open;
    for (int32_t i = 0; i < (int32_t)width; i++) { /* before: [i + 2] the same level, [i + 1] and [i] those above */
        float jumped = jump_score - per_level * fabsf((float)i - (float)start);
        float along = larger(larger(before[i + 2], before[i]) - change, before[i + 1]);
        matched[i] = larger(larger(along, gap[i]), jumped) + scores[i];
    }
    unmatched[0] = gap[0] + none;
    for (Int i = 1; i <= width; i++) unmatched[i] = larger(gap[i], before[i + 1] - opening) + none;
}

/* The likeliest paths to every row and level. */
static void forward(Lattice *lattice, Int block, Int levels, const float *jumps, const Costs *costs) {
    Int width = lattice->width;
    for (Int row = 0; row < lattice->rows; row++) {
        float *matched = lattice->matched + row * lattice->stride + PAD;
        float *unmatched = lattice->unmatched + row * lattice->stride;
        if (row)
            add_row(lattice, row, block, jumps[row], costs);
        else {
            memcpy(matched, lattice->scores, (size_t)width * sizeof(float));
            for (Int i = 0; i <= width; i++) unmatched[i] = lattice->unmatched_score[0];
        }
        Int first = lattice->first[row / block];
        Int last = first + width == levels ? width : width + 1;
        for (Int i = first == 0; i < last; i++) unmatched[i] -= costs->inside;
        Int next = within(row + 1 < lattice->rows ? moved(lattice, row + 1, block) : 0, 0, width + PAD);
        for (Int i = 0; i <= next; i++) matched[width + i] = unmatched[width + 1 + i] = LOWEST;
    }
}

/* The best path, from the last row up; where two come to the same, the first of: one level on, the same, two on, after
 * unmatched rows, by a jump. */
static void trace_back(const Lattice *lattice, Int block, const Costs *costs, Int *rounded, uint8_t *is_unmatched) {
    Int width = lattice->width, row = lattice->rows - 1;
    const float *matched = lattice->matched + row * lattice->stride + PAD;
    const float *unmatched = lattice->unmatched + row * lattice->stride;
    float best = largest(matched, width), best_gap = largest(unmatched, width + 1);
    int missing = best_gap > best;
    Int at = missing ? position(unmatched, width + 1, best_gap) - 1 : position(matched, width, best);
    for (;; row--) {
        rounded[row] = at + lattice->first[row / block];
        is_unmatched[row] = (uint8_t)missing;
        if (!row) return;
        matched -= lattice->stride, unmatched -= lattice->stride;
        Int down = moved(lattice, row, block), above = at + down; /* its position in the band of the row above */
        Int read = within(above, -1, width + within(down, 0, width + PAD));
        if (missing) {
            missing = unmatched[read + 1] >= (read < 0 ? LOWEST : matched[read]) - costs->open;
            at = above;
            continue;
        }
        float change = costs->thickness_change;
        float jumped = lattice->jump_score[row] - costs->jump_per_level * fabsf((float)(lattice->jump_start[row] - at));
        best = matched[read - 1], at = above - 1;
        if (matched[read] - change > best) best = matched[read] - change, at = above;
        if (matched[read - 2] - change > best) best = matched[read - 2] - change, at = above - 2;
        if (unmatched[read] > best) best = unmatched[read], at = above - 1, missing = 1;
        if (jumped > best) at = lattice->jump_start[row] + down, missing = lattice->jump_unmatched[row];
    }
}

/* Levels with fractions, from the scores next to each, and the probability of each row's level. */
static void refine(const Lattice *lattice, Int block, const Int *rounded, float *levels, float *agreement) {
    for (Int row = 0; row < lattice->rows; row++) {
        const float *scores = lattice->scores + row * lattice->stride;
        Int first = lattice->first[row / block], last = lattice->width - 1, at = rounded[row] - first;
        Int near[3] = {within(at - 1, 0, last), within(at, 0, last), within(at + 1, 0, last)};
        float top = larger(larger(scores[near[0]], scores[near[1]]), scores[near[2]]), total = 0, mean = 0;
        for (int i = 0; i < 3; i++) {
            float weight = exponential(scores[near[i]] - top);
            total += weight, mean += weight * (float)near[i];
        }
        levels[row] = mean / total + (float)first;
        agreement[row] = exponential(scores[near[1]]);
    }
}

/* Align traces with the levels of their neighbours; results go to the last four arguments, traces x rows. Returns 0, or
 * 1 where memory is short. `query`: traces x rows x channels; `jumps`: traces x rows; `neighbour`: traces x
 * `neighbours`, -1 for none, indices of `offered` (x channels x levels) and `row_of_level` (x levels); `first`: traces x
 * blocks of `block` rows, the first level of the band; `width`: traces. */
EXPORT int align(Int traces, Int rows, Int channels, Int levels, Int neighbours, Int blocks, Int block,
                 const float *query, const float *jumps, const Int *neighbour, const float *offered,
                 const float *row_of_level, const Int *first, const Int *width, const float *cost, Int *rounded,
                 float *fractional, float *agreement, uint8_t *unmatched) {
    Costs costs;
    memcpy(&costs, cost, sizeof costs);
    Int widest = 0, farthest = 0, keys_stride = levels + TILE;
    for (Int trace = 0; trace < traces; trace++) {
        widest = width[trace] > widest ? width[trace] : widest;
        for (const Int *at = first + trace * blocks; at + 1 < first + (trace + 1) * blocks; at++)
            farthest = at[1] - at[0] > farthest ? at[1] - at[0] : farthest;
    }
    Lattice lattice = {.rows = rows, .stride = widest + within(farthest, 0, widest + PAD) + 4 * PAD};
    size_t cells = (size_t)(rows * lattice.stride);
    float *mean = calloc((size_t)((channels + 1) * keys_stride), sizeof(float)), *number = mean;
    float *memory = malloc((3 * cells + 2 * (size_t)rows) * sizeof(float));
    lattice.jump_start = calloc((size_t)rows, sizeof(Int));
    lattice.jump_unmatched = calloc((size_t)rows, 1);
    int short_of_memory = !mean || !memory || !lattice.jump_start || !lattice.jump_unmatched;
    if (!short_of_memory) {
        for (size_t i = 0; i < 3 * cells; i++) memory[i] = LOWEST;
        lattice.scores = memory, lattice.matched = memory + cells, lattice.unmatched = memory + 2 * cells;
        lattice.unmatched_score = memory + 3 * cells, lattice.jump_score = lattice.unmatched_score + rows;
        number = mean + channels * keys_stride;
        for (Int trace = 0; trace < traces; trace++) {
            lattice.first = first + trace * blocks, lattice.width = width[trace];
            Int low = lattice.first[0], high = lattice.first[blocks - 1] + lattice.width;
            mean_keys(neighbours, neighbour + trace * neighbours, channels, levels, offered, row_of_level, low, high,
                      keys_stride, mean, number);
            for (Int row = 0; row < rows; row++) {
                Int start = lattice.first[row / block];
                lattice.unmatched_score[row] =
                    score_row(query + (trace * rows + row) * channels, mean + start, keys_stride, number + start,
                              lattice.width, channels, &costs, lattice.scores + row * lattice.stride);
            }
            forward(&lattice, block, levels, jumps + trace * rows, &costs);
            trace_back(&lattice, block, &costs, rounded + trace * rows, unmatched + trace * rows);
            refine(&lattice, block, rounded + trace * rows, fractional + trace * rows, agreement + trace * rows);
        }
    }
    free(mean), free(memory), free(lattice.jump_start), free(lattice.jump_unmatched);
    return short_of_memory;
}
