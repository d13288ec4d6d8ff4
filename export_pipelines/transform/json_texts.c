/* JSON without the blanks between its letters, and what its values mean, in one go over the bytes of all texts of a column.
   They lie side by side: text n of `data` begins at `begins[n]` and ends at `begins[n + 1]`. `output` has room for all of
   `data`; where each text begins there, and the last ends, is written to `output_begins`. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Kinds of values, as `json_texts.py` names them. */
enum { AS_WRITTEN, NOTHING, ESCAPED };

static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r'; }

/* Where the string that begins with the quote at `at` ends, or the text. */
static const uint8_t *end_of_string(const uint8_t *at, const uint8_t *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
    return at < end ? at + 1 : end;
}

static const uint8_t *end_of_letters(const uint8_t *at, const uint8_t *end) {
    while (at < end && !is_blank(*at)) at = *at == '"' ? end_of_string(at, end) : at + 1;
    return at;
}

enum { WIDTH = 16, BLOCK = 64 };
typedef uint8_t Bytes __attribute__((ext_vector_type(WIDTH)));
typedef char Matches __attribute__((ext_vector_type(WIDTH)));
typedef bool Bits __attribute__((ext_vector_type(WIDTH)));

static uint64_t bits_of(Matches matches) {
    Bits bits = __builtin_convertvector(matches, Bits);
    uint16_t mask;
    memcpy(&mask, &bits, sizeof mask);
    return mask;
}

/* Of the bits of quotes those that lie behind an odd number of them. */
static uint64_t within(uint64_t quotes) {
    for (int by = 1; by < BLOCK; by *= 2) quotes ^= quotes << by;
    return quotes;
}

/* Whether blanks stand outside of strings, and there may be blanks wherever one has a backslash. Up to `limit` bytes may be read. */
static bool may_have_blanks(const uint8_t *at, const uint8_t *end, const uint8_t *limit) {
    uint64_t carried = 0;
    for (; at < end; at += BLOCK) {
        uint64_t blanks = 0, quotes = 0, backslashes = 0;
        for (int place = 0; place < BLOCK && at + place < end; place += WIDTH) {
            Bytes bytes = 0;
            if (limit - at - place >= WIDTH) memcpy(&bytes, at + place, WIDTH);
            else memcpy(&bytes, at + place, (size_t)(limit - at - place));
            blanks |= bits_of((bytes == ' ') | (bytes == '\n') | (bytes == '\t') | (bytes == '\r')) << place;
            quotes |= bits_of(bytes == '"') << place;
            backslashes |= bits_of(bytes == '\\') << place;
        }
        uint64_t of_text = end - at < BLOCK ? (UINT64_C(1) << (end - at)) - 1 : ~UINT64_C(0);
        uint64_t inside = within(quotes) ^ carried;
        if (((blanks & ~inside) | backslashes) & of_text) return true;
        carried = (uint64_t)((int64_t)inside >> (BLOCK - 1));
    }
    return false;
}

static bool has_blanks(const uint8_t *at, const uint8_t *end, const uint8_t *limit) {
    if (at == end) return false;
    if (is_blank(*at) || is_blank(end[-1])) return true;
    return (*at == '{' || *at == '[') && may_have_blanks(at, end, limit) && end_of_letters(at, end) < end;
}

/* Whether one of the texts has blanks between its letters. */
bool any_blanks(const uint8_t *data, const int64_t *begins, int64_t rows) {
    for (int64_t row = 0; row < rows; row++)
        if (has_blanks(data + begins[row], data + begins[row + 1], data + begins[rows])) return true;
    return false;
}

static uint8_t *copied(const uint8_t *at, const uint8_t *end, uint8_t *to) {
    memcpy(to, at, (size_t)(end - at));
    return to + (end - at);
}

static uint8_t *compacted(const uint8_t *at, const uint8_t *end, uint8_t *to) {
    while (at < end && is_blank(*at)) at++;
    while (at < end && is_blank(end[-1])) end--;
    if (at < end && *at != '{' && *at != '[') return copied(at, end, to); /* within it no blank is JSON's own */
    while (at < end) {
        const uint8_t *start = at;
        at = end_of_letters(at, end);
        to = copied(start, at, to);
        while (at < end && is_blank(*at)) at++;
    }
    return to;
}

void without_blanks(const uint8_t *data, const int64_t *begins, int64_t rows, uint8_t *output, int64_t *output_begins) {
    uint8_t *to = output;
    for (int64_t row = 0; row < rows; row++) {
        output_begins[row] = to - output;
        to = compacted(data + begins[row], data + begins[row + 1], to);
    }
    output_begins[rows] = to - output;
}

/* Of strings what stands between their quotes, of others their letters without blanks; and the kind of each. */
void meanings(const uint8_t *data, const int64_t *begins, int64_t rows, uint8_t *output, int64_t *output_begins, uint8_t *kinds) {
    uint8_t *to = output;
    for (int64_t row = 0; row < rows; row++) {
        const uint8_t *at = data + begins[row], *end = data + begins[row + 1], *start = to;
        output_begins[row] = to - output;
        kinds[row] = AS_WRITTEN;
        if (at < end && *at == '"') {
            at++;
            if (at < end && end[-1] == '"') end--;
            if (memchr(at, '\\', (size_t)(end - at))) kinds[row] = ESCAPED;
            to = copied(at, end, to);
        } else {
            to = compacted(at, end, to);
            if (to - start == 4 && !memcmp(start, "null", 4)) kinds[row] = NOTHING;
        }
    }
    output_begins[rows] = to - output;
}
