/* The pass over bytes: what may stand in each text of a column, seen in one go over its UTF-8.

   A text is a chain of words (letters that follow each other), groups of digits, and signs. Whatever the pass cannot tell,
   such as an encoded letter or a digit of another script, it flags: no text that holds something to hide is missed, and
   the recognisers decide. Texts lie side by side: text n of `data` begins at `begins[n]` and ends at `begins[n + 1]`. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Flags of a text, as `kernel.py` names them. */
enum { ADDRESS = 1, ENCODED = 2, FOREIGN_DIGIT = 4, LONG_NUMBER = 8, NEVER = 16, OWN = 32, KEY = 64, JSON_NUMBER = 128 };

/* What a letter beyond ASCII is read as, by code point: one of these, or up to four lower-case letters of ASCII, the first
   lowest. Beyond the table are letters of other scripts, and tags, which are not shown. */
enum { BREAK, NOTHING, AT, DIGITS, MIXED, OTHER_LETTER, UNREAD, PACKED = 32 };
enum { PLANES = 0x20000, PAGE = 0x100, TAGS = 0xE0000, TAGS_END = 0xE1000 };

/* The table, and its pages that were `missing` when one of their letters was met: the pass has to be made again then. */
typedef struct {
    const uint32_t *classes;
    bool *missing;
} Folded;

enum { LONG = 7, LONG_IN_JSON = 9, SSN_DIGITS = 9, SSN_END = 1000000000, YEAR = 4, ID = 24, UUID = 36, LONGEST_KEY = 64, MOST_OWN = 16, MOST_PARTS = 20 };

/* Of the first letters of a row's own words, a set of bits: letters that are not read as ASCII; a row that must be read. */
#define BEYOND (1u << 30)
#define MUST_BE_READ (1u << 31)

typedef struct {
    const uint8_t *at, *end;
    const Folded *folded;
} Text;

static bool is_letter(uint8_t byte) { return (uint8_t)((byte | 32) - 'a') < 26; }
static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }
static uint8_t ahead(const Text *text, int by) { return text->end - text->at > by ? text->at[by] : 0; }
static uint32_t bit(uint32_t letter) { return 1u << (letter & 31); }
static uint32_t hash_with(uint32_t hash, uint32_t letter) { return (hash ^ letter) * 16777619u; }
static uint32_t word_of(uint32_t hash) { return hash | 1; }
static uint32_t pair_of(uint32_t before, uint32_t hash) { return word_of(hash_with(before, hash)); }
enum { HASH_OF_NOTHING = 0x811C9DC5 };

static uint32_t class_of(uint32_t code, const Folded *folded) {
    uint32_t class = folded->classes[code];
    if (class == UNREAD) folded->missing[code / PAGE] = true;
    return class;
}

/* What the letter beyond ASCII at `at` is read as, and its bytes. */
static uint32_t read_as(const uint8_t *at, const Folded *folded, int *width) {
    uint32_t code;
    if (at[0] < 0xC0) { /* within a letter, where a backslash has taken its first byte: no JSON */
        *width = 1;
        return BREAK;
    }
    if (at[0] < 0xE0) {
        *width = 2;
        return class_of((at[0] & 31u) << 6 | (at[1] & 63u), folded);
    }
    if (at[0] < 0xF0) {
        *width = 3;
        return class_of((at[0] & 15u) << 12 | (at[1] & 63u) << 6 | (at[2] & 63u), folded);
    }
    *width = 4;
    code = (at[0] & 7u) << 18 | (at[1] & 63u) << 12 | (at[2] & 63u) << 6 | (at[3] & 63u);
    if (code < PLANES) return class_of(code, folded);
    return code >= TAGS && code < TAGS_END ? NOTHING : OTHER_LETTER;
}

/* ---- What is sought in a row, and under which keys nothing is hidden. ---- */

typedef struct {
    const uint32_t *words; /* MOST_OWN for each row */
    const uint8_t *counts;
    const uint32_t *firsts;
    const int64_t *years, *numbers; /* -1 for none; so many for each row */
    int64_t years_of_row, numbers_of_row;
} Own;

typedef struct {
    const int32_t *slots; /* numbers of keys by hash, -1 where there is none */
    int64_t size;         /* of `slots`, a power of two */
    const uint8_t *letters;
    const int64_t *begins;
} Keys;

/* Eight bytes at a time, the last of them with zeros behind. */
static int64_t slot_of(const uint8_t *key, int64_t size, const Keys *keys) {
    uint64_t hash = (uint64_t)size, eight;
    for (; size > 0; key += 8, size -= 8) {
        eight = 0;
        if (size >= 8) memcpy(&eight, key, 8);
        else for (int64_t n = 0; n < size; n++) eight |= (uint64_t)key[n] << 8 * n;
        hash = (hash ^ eight) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    return (int64_t)(hash & (uint64_t)(keys->size - 1));
}

static bool is_known(const uint8_t *key, int64_t size, const Keys *keys) {
    if (size > LONGEST_KEY) return false;
    for (int64_t slot = slot_of(key, size, keys); keys->slots[slot] >= 0; slot = (slot + 1) & (keys->size - 1)) {
        const int64_t *begin = keys->begins + keys->slots[slot];
        if (begin[1] - begin[0] == size && !memcmp(keys->letters + begin[0], key, (size_t)size)) return true;
    }
    return false;
}

void fill_slots(const uint8_t *letters, const int64_t *begins, int64_t count, int32_t *slots, int64_t size) {
    Keys keys = {slots, size, letters, begins};
    for (int64_t n = 0; n < count; n++) {
        int64_t slot = slot_of(letters + begins[n], begins[n + 1] - begins[n], &keys);
        while (slots[slot] >= 0) slot = (slot + 1) & (size - 1);
        slots[slot] = (int32_t)n;
    }
}

/* ---- One text. ---- */

typedef struct {
    Text text;
    const Own *own;
    const Keys *keys; /* of JSON, else null */
    int64_t row;
    uint32_t found;
    int run, total;            /* digits since the last letter, and all */
    int64_t tail;              /* the number that the last nine of the run make */
    int apart, size;           /* signs since the last digit; digits of the last group */
    int64_t value;             /* of the last group, the same */
    uint32_t groups;           /* sizes of the last three, and the signs before each, four bits each */
    uint32_t before;           /* hash of the word that this one follows, 0 if it is none of the sought */
    bool readable;             /* no JSON, or within a string of JSON */
    bool is_url;               /* in which ids are no numbers */
    const uint8_t *string;     /* where that begins, or the text */
} Pass;

static void end_run(Pass *pass) {
    pass->run = pass->apart = pass->size = 0;
    pass->tail = pass->groups = 0;
}

static void see_word(Pass *pass) {
    Text *text = &pass->text;
    const Own *own = pass->own;
    uint32_t firsts = pass->readable ? own->firsts[pass->row] : 0, hash = HASH_OF_NOTHING, letter;
    int width;
    letter = *text->at < 128 ? *text->at : read_as(text->at, text->folded, &width);
    if (!pass->readable && pass->size && !pass->apart) pass->found |= JSON_NUMBER | NEVER; /* with an exponent */
    end_run(pass);
    bool is_sought = firsts & bit(letter);
    const uint8_t *at = text->at, *end = text->end; /* not written back for each letter */
    while (at < end) {
        if (is_sought)
            for (; at < end && is_letter(*at); at++) hash = hash_with(hash, *at | 32);
        else
            while (at < end && is_letter(*at)) at++;
        if (at >= end || *at < 128) break;
        letter = read_as(at, text->folded, &width);
        if (letter != NOTHING && letter < PACKED) break;
        at += width;
        for (; letter >= PACKED; letter >>= 8) hash = hash_with(hash, letter & 255);
    }
    text->at = at;
    const uint32_t *words = own->words + pass->row * MOST_OWN;
    for (int n = 0; is_sought && n < own->counts[pass->row]; n++)
        if (words[n] == word_of(hash) || (pass->before && words[n] == pair_of(pass->before, hash))) pass->found |= OWN;
    pass->before = is_sought ? hash : 0;
}

/* The number that the last nine digits make, with one more behind. */
static int64_t with_digit(int64_t number, uint8_t digit) {
    number = number * 10 + digit - '0';
    return number < SSN_END ? number : number % SSN_END;
}

static bool is_among(const int64_t *numbers, int64_t count, int64_t value) {
    for (int64_t n = 0; n < count; n++)
        if (numbers[n] == value) return true;
    return false;
}

static bool has_shape_of_ssn(uint32_t groups) {
    uint32_t last = groups >> 4 & 15, before = groups >> 12 & 15;
    return (groups & 0x0F0F0F) == 0x030204 && last >= 1 && last <= 3 && before >= 1 && before <= 3;
}

static int hex(uint8_t letter) {
    if (is_digit(letter)) return letter - '0';
    return (letter | 32) >= 'a' && (letter | 32) <= 'f' ? (letter | 32) - 'a' + 10 : -1;
}

static bool has_hex_letter(const uint8_t *at, const uint8_t *end) {
    while (at < end && !is_letter(*at)) at++;
    return at < end;
}

static bool is_uuid(const uint8_t *at) {
    for (int n = 0; n < UUID; n++)
        if (n == 8 || n == 13 || n == 18 || n == 23 ? at[n] != '-' : hex(at[n]) < 0) return false;
    return has_hex_letter(at, at + UUID);
}

/* Of ASCII, and no part of an encoding. */
static bool is_sign(uint8_t byte) {
    return byte < 128 && !is_letter(byte) && !is_digit(byte) && byte != '%' && byte != '&' && byte != '\\';
}

static bool is_whole(const Pass *pass, const uint8_t *begin, const uint8_t *end) {
    return (begin == pass->string || is_sign(begin[-1])) && (end == pass->text.end || is_sign(*end));
}

/* Whether the digits that begin there are in an id, as `recognise.py` knows them; the places of groups in a UUID. */
static bool is_in_id(const Pass *pass, const uint8_t *at) {
    static const int groups[] = {0, 9, 14, 19, 24};
    const uint8_t *begin = at, *end = at;
    while (begin > pass->string && hex(begin[-1]) >= 0) begin--;
    while (end < pass->text.end && hex(*end) >= 0) end++;
    if (end - begin >= ID) return has_hex_letter(begin, end) && is_whole(pass, begin, end);
    for (int n = 0; n < 5; n++)
        if (begin - pass->string >= groups[n] && pass->text.end - begin >= UUID - groups[n] && is_uuid(begin - groups[n]))
            return is_whole(pass, begin - groups[n], begin - groups[n] + UUID);
    return false;
}

static void see_digits(Pass *pass) {
    Text *text = &pass->text;
    const Own *own = pass->own;
    const int64_t *numbers = own->numbers + pass->row * own->numbers_of_row;
    if (pass->apart || !pass->size) {
        pass->groups = pass->groups << 8 | (uint32_t)(pass->apart < 15 ? pass->apart : 15) << 4;
        pass->size = 0, pass->value = 0;
    }
    const uint8_t *start = text->at;
    for (; text->at < text->end && is_digit(*text->at); text->at++) {
        pass->value = with_digit(pass->value, *text->at);
        pass->tail = with_digit(pass->tail, *text->at);
        if (++pass->run >= LONG && is_among(numbers, own->numbers_of_row, pass->tail)) pass->found |= NEVER;
    }
    int size = (int)(text->at - start);
    pass->before = 0;
    pass->size += size, pass->total += size, pass->apart = 0;
    pass->groups = (pass->groups & ~15u) | (uint32_t)(pass->size < 15 ? pass->size : 15);
    if (is_among(numbers, own->numbers_of_row, pass->value)) pass->found |= NEVER;
    if (pass->size == YEAR && is_among(own->years + pass->row * own->years_of_row, own->years_of_row, pass->value))
        pass->found |= OWN;
    bool is_fraction = start > pass->string && start[-1] == '.';
    if (!pass->readable)
        pass->found |= pass->size >= LONG_IN_JSON && !is_fraction ? JSON_NUMBER : 0;
    else if (pass->run >= LONG && !(pass->is_url && is_in_id(pass, start)))
        pass->found |= LONG_NUMBER;
    if (pass->readable && has_shape_of_ssn(pass->groups)) pass->found |= NEVER;
}

static bool is_blank_behind_backslash(uint8_t letter) {
    return letter == 'n' || letter == 'r' || letter == 't' || letter == 'b' || letter == 'f';
}

/* What begins with %, & or a backslash: flags it where it may stand for a letter, a digit, @ or another encoding, and
   goes beyond it where it stands for a blank or a sign. */
static void see_encoding(Pass *pass) {
    Text *text = &pass->text;
    uint8_t sign = *text->at++, after = ahead(text, 0);
    bool is_flagged = false;
    if (sign == '%') {
        int high = hex(after), low = hex(ahead(text, 1)), byte = high * 16 + low;
        if (high < 0 || low < 0) return;
        is_flagged = byte == '#' || byte == '%' || byte == '&' || (byte < 128 && is_digit((uint8_t)byte)) || byte >= '@';
        text->at += 2;
    } else if (sign == '&') {
        int size = 0;
        while (size < 32 && (is_letter(ahead(text, size)) || is_digit(ahead(text, size)))) size++;
        is_flagged = after == '#' || (size > 1 && is_letter(after) && ahead(text, size) == ';');
    } else {
        if (pass->keys && after != 'u') { /* the backslash of a string; if it stands for itself, another may follow */
            text->at += text->at < text->end;
            if (after != '\\') return;
            after = ahead(text, 0);
        }
        is_flagged = after == 'u';
        text->at += is_blank_behind_backslash(after);
    }
    if (is_flagged) pass->found |= ENCODED, pass->total += 2; /* it may stand for so many digits */
}

/* Where the first byte stands that may take part in anything but a word of the row: a digit, @, a quote, an encoding, or one
   beyond ASCII. */
static const uint8_t *end_of_plain(const uint8_t *at, const uint8_t *end) {
    static const bool is_other[256] = {
        ['0' ... '9'] = true, ['@'] = true, ['"'] = true, ['%'] = true, ['&'] = true, ['\\'] = true, [0x80 ... 0xFF] = true,
    };
    while (at < end && !is_other[*at]) at++;
    return at;
}

static void see_quote(Pass *pass) {
    Text *text = &pass->text;
    const uint8_t *end = text->at++, *after = text->at;
    if (pass->readable) {
        while (after < text->end && *after <= ' ') after++;
        if (after < text->end && *after == ':' && !is_known(pass->string, end - pass->string, pass->keys)) pass->found |= KEY;
    }
    end_run(pass);
    pass->before = 0;
    pass->readable = !pass->readable;
    pass->string = text->at;
    if (!pass->readable || pass->own->firsts[pass->row]) return;
    after = end_of_plain(text->at, text->end);
    if (after < text->end && *after == '"') text->at = after;
}

static void see_beyond_ascii(Pass *pass) {
    int width;
    uint32_t letter = read_as(pass->text.at, pass->text.folded, &width);
    if (letter >= PACKED) {
        see_word(pass);
        return;
    }
    pass->text.at += width;
    pass->apart += letter != NOTHING;
    if (letter == AT) pass->found |= ADDRESS;
    if (letter == DIGITS) pass->found |= FOREIGN_DIGIT;
    if (letter == MIXED) pass->found |= ENCODED;
    if (letter == OTHER_LETTER && pass->own->firsts[pass->row] & BEYOND) pass->found |= OWN;
}

static uint32_t flags_of(Pass *pass) {
    Text *text = &pass->text;
    while (text->at < text->end) {
        uint8_t byte = *text->at;
        if (is_letter(byte)) see_word(pass);
        else if (is_digit(byte)) see_digits(pass);
        else if (byte >= 128) see_beyond_ascii(pass);
        else if (byte == '"' && pass->keys) see_quote(pass);
        else {
            if (byte == '%' || byte == '&' || byte == '\\') see_encoding(pass);
            else text->at++;
            if (byte == '@') pass->found |= ADDRESS;
            if (!pass->readable) pass->run = 0, pass->tail = 0;
            pass->apart++;
        }
    }
    bool may_hold_nine = pass->found & ENCODED && pass->total >= SSN_DIGITS;
    return pass->found | (may_hold_nine || pass->found & FOREIGN_DIGIT ? NEVER : 0);
}

static bool has_sign(const uint8_t *begin, const uint8_t *end, uint8_t sign) { return memchr(begin, sign, (size_t)(end - begin)); }

/* Sets the flags of each text; texts are JSON, which must parse, if there are `keys`. A URL is flagged for a query or a fragment,
   which it always loses. */
void scan(const uint8_t *data, const int64_t *begins, int64_t rows, const Folded *folded, const Own *own, const Keys *keys,
          bool is_url, uint8_t *flags) {
    for (int64_t row = 0; row < rows; row++) {
        Pass pass = {.text = {data + begins[row], data + begins[row + 1], folded}, .own = own, .keys = keys, .row = row};
        pass.readable = !keys, pass.string = pass.text.at, pass.is_url = is_url;
        if (own->firsts[row] & MUST_BE_READ && begins[row] < begins[row + 1]) pass.found = OWN;
        const uint8_t *begin = pass.text.at, *end = pass.text.end;
        if (is_url && (has_sign(begin, end, '?') || has_sign(begin, end, '#'))) pass.found |= ADDRESS;
        bool is_plain = !keys && !own->firsts[row] && end_of_plain(begin, end) == end;
        flags[row] = (uint8_t)(is_plain ? pass.found : flags_of(&pass));
    }
}

/* ---- A row's own values. ---- */

typedef struct {
    uint32_t *words, *firsts;
    uint8_t *count;
} Words;

/* Letters that make a word, one after the other. */
typedef struct {
    uint32_t hash, first, last;
    int size;
} Word;

static void add_letter(Word *word, uint32_t letter) {
    if (!word->size) word->hash = HASH_OF_NOTHING, word->first = letter;
    word->hash = hash_with(word->hash, letter);
    word->last = letter;
    word->size++;
}

static void add(Words *words, uint32_t sought, uint32_t first) {
    *words->firsts |= bit(first);
    for (int n = 0; n < *words->count; n++)
        if (words->words[n] == sought) return;
    if (*words->count == MOST_OWN) *words->firsts |= MUST_BE_READ;
    else words->words[(*words->count)++] = sought;
}

static void add_word(Words *words, const Word *word) { add(words, word_of(word->hash), word->first); }

/* Whether it may be one for a unit in a house: `apt`, `unit`, `suite`, `floor`, `fl`, `room`, `bldg`, `lot` and the like. */
static bool may_be_unit(const Word *word) {
    for (const char *ends = "atutsefrflrmbglt"; *ends; ends += 2)
        if (word->size > 1 && word->first == (uint8_t)ends[0] && word->last == (uint8_t)ends[1]) return true;
    return false;
}

/* Adds each word of a name, and its letters as one word; of a street the words in its numbers, and the first other one
   with the one that follows it, or alone where it may be written alone. False where something may have to be decoded, or
   two initials may be all: it may then be written in a way that has none of these words. */
static bool add_words(Text text, bool is_name, Words *words) {
    Word word = {0}, name = {0}, street = {0};
    const uint8_t *at = text.at;
    while (is_name && at < text.end && is_letter(*at)) add_letter(&word, *at++ | 32u);
    if (at == text.end) { /* most names */
        if (word.size > 1) add_word(words, &word);
        return true;
    }
    word.size = 0;
    int parts = 0, initials = 0;
    bool in_number = false, is_told = false, has_digit = false, is_beyond = false;
    for (bool is_over = false; !is_over;) {
        int width = 1;
        uint8_t byte = ahead(&text, 0);
        uint32_t letter = is_letter(byte) ? byte | 32u : byte < 128 ? BREAK : read_as(text.at, text.folded, &width);
        if (byte == '%' || byte == '&' || byte == '\\' || letter == DIGITS || letter == MIXED || parts > MOST_PARTS) return false;
        is_over = text.at >= text.end;
        text.at += width;
        if (letter == OTHER_LETTER) *words->firsts |= BEYOND;
        if (letter == OTHER_LETTER ? word.size > 0 : letter >= PACKED && is_beyond) return false; /* a word of two scripts */
        if (letter != NOTHING) is_beyond = letter == OTHER_LETTER;
        if (letter != NOTHING && letter < PACKED) {
            initials += word.size == 1;
            bool may_end = is_over || byte == ',' || byte >= 128;
            if (!is_told && initials > 1 && (may_end || may_be_unit(&word))) return false;
            has_digit |= is_digit(byte);
            int least = is_name && has_digit ? 1 : 2; /* letters: beside a digit one is enough */
            bool is_apart = may_end || is_digit(byte); /* from a word that follows */
            if (street.size && (word.size || is_apart)) {
                if (!word.size || may_be_unit(&word)) add_word(words, &street);
                else add(words, pair_of(street.hash, word.hash), street.first), *words->firsts |= bit(word.first);
                street.size = 0;
            }
            if (word.size >= least && !is_name && !is_told && !in_number && !is_apart) street = word;
            else if (word.size >= least && (is_name || !is_told)) add_word(words, &word);
            if (name.size >= least && is_name && (is_over || is_digit(byte))) add_word(words, &name), name.size = 0;
            is_told |= word.size > 1 && !in_number;
            parts += word.size > 0, word.size = 0, in_number = is_digit(byte);
        }
        if (letter < PACKED) continue;
        for (; letter; letter >>= 8) add_letter(&word, letter & 255), add_letter(&name, letter & 255);
        for (; is_letter(ahead(&text, 0)); text.at++) add_letter(&word, *text.at | 32), add_letter(&name, *text.at | 32);
    }
    return true;
}

/* Adds the words of names or streets to the own ones of each row, or sets it among those that must be read. */
void collect(const uint8_t *data, const int64_t *begins, int64_t rows, bool is_name, const Folded *folded, uint32_t *words,
             uint8_t *counts, uint32_t *firsts) {
    for (int64_t row = 0; row < rows; row++) {
        Words own = {words + row * MOST_OWN, firsts + row, counts + row};
        Text text = {data + begins[row], data + begins[row + 1], folded};
        if (!add_words(text, is_name, &own)) firsts[row] |= MUST_BE_READ;
    }
}

/* Sets the numbers of texts that are nine digits with blanks and hyphens between; which are another number, or none, is
   added to `odd`. */
void digits_of(const uint8_t *data, const int64_t *begins, int64_t rows, int64_t *numbers, int64_t stride, bool *odd) {
    for (int64_t row = 0; row < rows; row++) {
        int64_t number = 0;
        int size = 0;
        for (const uint8_t *at = data + begins[row]; at < data + begins[row + 1]; at++) {
            if (is_digit(*at)) number = with_digit(number, *at), size++;
            else if (*at != ' ' && *at != '-') size = SSN_DIGITS + 1;
        }
        if (size == SSN_DIGITS) numbers[row * stride] = number;
        else if (begins[row] < begins[row + 1]) odd[row] = true;
    }
}
