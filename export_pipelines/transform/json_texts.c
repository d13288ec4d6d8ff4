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
        while (at < end && !is_blank(*at)) at = *at == '"' ? end_of_string(at, end) : at + 1;
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
