/* Preloaded into a process: counts its writing calls below chosen folders and on sockets, and lets a fault happen at the
   n-th one. What a fault does is what the kernel, a disk or a power cut would do; the program sees nothing else.

   A place is a folder (by prefix; the longest one counts) or the network (place 0). A step is one call that writes there.
   All state belongs to one process; a forked child begins with its parent's, and arms its own faults. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PLACES = 16, SLOTS = 4, FILES = 1024, RENAMES = 256, NETWORK = 0, ANYWHERE = -1 };

/* As injection.py numbers them. */
enum kind { NONE, KILL, TORN, FAIL, FULL, STALL, FLIP, SHORT, CLOCK, POWER_DATA, POWER_NAMES, SIGNAL };
enum op { OPEN, WRITE, SYNC, NAME, REMOVE, SEND };

struct fault { int place; long step; enum kind kind; long value; int struck; };
struct place { char prefix[PATH_MAX]; size_t length; long steps; };
struct unsynced { dev_t dev; ino_t ino; off_t synced; int dirty; char path[PATH_MAX]; };
struct renamed { char from[PATH_MAX], to[PATH_MAX]; };

static struct place places[PLACES];
static struct fault faults[SLOTS];
static struct unsynced *files;
static struct renamed *renames;
static int file_count, rename_count, place_count = 1, watching;
static long all_steps, clock_shift;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* --- what the campaign calls ------------------------------------------------------------------------------------------ */

int faults_place(const char *prefix) {
    if (place_count == PLACES) return -1;
    struct place *place = &places[place_count];
    snprintf(place->prefix, sizeof place->prefix, "%s", prefix);
    place->length = strlen(place->prefix);
    return place_count++;
}

void faults_arm(int slot, int place, long step, int kind, long value) {
    faults[slot] = (struct fault){place, step, (enum kind)kind, value, 0};
}

void faults_watch(int on) {
    if (on && !files) {
        files = calloc(FILES, sizeof *files);
        renames = calloc(RENAMES, sizeof *renames);
    }
    watching = on;
}

long faults_steps(int place) { return place == ANYWHERE ? all_steps : places[place].steps; }
int faults_struck(int slot) { return faults[slot].struck; }

/* --- where a call writes ---------------------------------------------------------------------------------------------- */

static int place_of_path(const char *path) {
    int best = -1;
    size_t length = 0;
    for (int n = 1; n < place_count; n++)
        if (places[n].length > length && !strncmp(path, places[n].prefix, places[n].length)) {
            best = n;
            length = places[n].length;
        }
    return best;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return 1;
}

static void absolute(int dirfd, const char *name, char *path) {
    char folder[PATH_MAX];
    if (name[0] == '/') snprintf(path, PATH_MAX, "%s", name);
    else if (dirfd == AT_FDCWD ? getcwd(folder, sizeof folder) != NULL : path_of(dirfd, folder)) {
        size_t length = strnlen(folder, PATH_MAX - 2);
        memcpy(path, folder, length);
        snprintf(path + length, PATH_MAX - length, "/%s", name);
    } else path[0] = 0;
}

static int place_of_fd(int fd, char *path) {
    if (!path_of(fd, path)) return -1;
    if (path[0] == '/') return place_of_path(path);
    if (strncmp(path, "socket:", 7)) return -1;
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    if (syscall(SYS_getpeername, fd, &peer, &size)) return -1;
    return peer.ss_family == AF_INET || peer.ss_family == AF_INET6 ? NETWORK : -1;
}

/* --- what a power cut takes ------------------------------------------------------------------------------------------- */

static struct unsynced *tracked(int fd, const char *path) {
    struct stat now;
    if (fstat(fd, &now) || !S_ISREG(now.st_mode)) return NULL;
    for (int n = 0; n < file_count; n++)
        if (files[n].ino == now.st_ino && files[n].dev == now.st_dev) return &files[n];
    if (file_count == FILES) return NULL;
    struct unsynced *file = &files[file_count++];
    *file = (struct unsynced){now.st_dev, now.st_ino, now.st_size, 0, ""};
    snprintf(file->path, sizeof file->path, "%s", path);
    return file;
}

static void note_synced(int fd, const char *path) {
    struct stat now;
    if (fstat(fd, &now)) return;
    if (S_ISDIR(now.st_mode)) { /* the names in it stay */
        size_t length = strlen(path);
        for (int n = 0; n < rename_count; n++)
            if (!strncmp(renames[n].to, path, length) && renames[n].to[length] == '/' && !strchr(renames[n].to + length + 1, '/'))
                renames[n].to[0] = 0;
        return;
    }
    struct unsynced *file = tracked(fd, path);
    if (file) {
        file->synced = now.st_size;
        file->dirty = 0;
    }
}

static void note_renamed(const char *from, const char *to, int replaced) {
    for (int n = 0; n < file_count; n++)
        if (!strcmp(files[n].path, from)) snprintf(files[n].path, PATH_MAX, "%s", to);
    if (replaced || rename_count == RENAMES) return; /* what was replaced cannot be put back */
    snprintf(renames[rename_count].from, PATH_MAX, "%s", from);
    snprintf(renames[rename_count++].to, PATH_MAX, "%s", to);
}

static void cut_power(enum kind kind) {
    if (kind == POWER_DATA)
        for (int n = 0; n < file_count; n++) {
            struct stat now;
            if (files[n].dirty && !stat(files[n].path, &now) && now.st_ino == files[n].ino && now.st_size > files[n].synced)
                syscall(SYS_truncate, files[n].path, files[n].synced);
        }
    else
        for (int n = rename_count - 1; n >= 0; n--)
            if (renames[n].to[0]) syscall(SYS_renameat2, AT_FDCWD, renames[n].to, AT_FDCWD, renames[n].from, 0);
}

/* --- the faults ------------------------------------------------------------------------------------------------------- */

struct hit { enum kind kind; long value; };

static int applies(enum kind kind, enum op op) {
    switch (kind) {
    case TORN: case FLIP: case SHORT: return op == WRITE || op == SEND;
    case FULL: return op == OPEN || op == WRITE;
    default: return 1;
    }
}

/* Counts a step, and says which fault happens at it. Faults that are not one call's happen here. */
static struct hit step(int place, enum op op) {
    struct hit hit = {NONE, 0};
    if (!watching || place < 0) return hit;
    pthread_mutex_lock(&mutex);
    all_steps++;
    places[place].steps++;
    for (int n = 0; n < SLOTS; n++) {
        struct fault *fault = &faults[n];
        if (fault->kind == NONE || (fault->place != ANYWHERE && fault->place != place)) continue;
        long at = fault->place == ANYWHERE ? all_steps : places[place].steps;
        if (at < fault->step || !applies(fault->kind, op)) continue;
        if (fault->struck && fault->kind != FULL) continue;
        fault->struck = 1;
        hit = (struct hit){fault->kind, fault->value};
        if (hit.kind == CLOCK) clock_shift += hit.value;
        if (hit.kind == POWER_DATA || hit.kind == POWER_NAMES) cut_power(hit.kind);
        if (hit.kind != TORN && hit.kind != FAIL && hit.kind != FULL) continue;
        break;
    }
    pthread_mutex_unlock(&mutex);
    if (hit.kind == KILL || hit.kind == POWER_DATA || hit.kind == POWER_NAMES) kill(getpid(), SIGKILL);
    if (hit.kind == SIGNAL) kill(getpid(), (int)hit.value);
    if (hit.kind == STALL) {
        struct timespec wait = {hit.value / 1000, hit.value % 1000 * 1000000};
        syscall(SYS_nanosleep, &wait, NULL);
    }
    return hit;
}

#define FAILS(hit) \
    if ((hit).kind == FAIL || (hit).kind == FULL) { errno = (int)(hit).value; return -1; }

typedef long (*writing)(int fd, const void *data, size_t size, long more);

static long do_write(int fd, const void *data, size_t size, long more) { (void)more; return syscall(SYS_write, fd, data, size); }
static long do_pwrite(int fd, const void *data, size_t size, long more) { return syscall(SYS_pwrite64, fd, data, size, more); }
static long do_send(int fd, const void *data, size_t size, long more) { return syscall(SYS_sendto, fd, data, size, more, NULL, 0); }

static long written(writing call, int fd, const void *data, size_t size, long more) {
    char path[PATH_MAX];
    int place = watching ? place_of_fd(fd, path) : -1;
    if (place < 0) return call(fd, data, size, more);
    struct hit hit = step(place, place == NETWORK ? SEND : WRITE);
    FAILS(hit);
    if (place != NETWORK) {
        pthread_mutex_lock(&mutex);
        struct unsynced *file = tracked(fd, path);
        if (file) file->dirty = 1;
        pthread_mutex_unlock(&mutex);
    }
    if ((hit.kind == SHORT || hit.kind == TORN) && size > 1) size /= 2;
    if (hit.kind == FLIP && size) {
        char *other = malloc(size);
        memcpy(other, data, size);
        other[(size_t)hit.value % size] ^= 1;
        long count = call(fd, other, size, more);
        free(other);
        return count;
    }
    long count = call(fd, data, size, more);
    if (hit.kind == TORN) kill(getpid(), SIGKILL);
    return count;
}

ssize_t write(int fd, const void *data, size_t size) { return written(do_write, fd, data, size, 0); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return written(do_pwrite, fd, data, size, at); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return written(do_pwrite, fd, data, size, at); }
ssize_t send(int fd, const void *data, size_t size, int flags) { return written(do_send, fd, data, size, flags); }

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    if (!to) return written(do_send, fd, data, size, flags);
    return syscall(SYS_sendto, fd, data, size, flags, to, length);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    char path[PATH_MAX];
    int place = watching ? place_of_fd(fd, path) : -1;
    struct hit hit = step(place, place == NETWORK ? SEND : WRITE);
    FAILS(hit);
    return syscall(SYS_writev, fd, pieces, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    char path[PATH_MAX];
    struct hit hit = step(watching ? place_of_fd(fd, path) : -1, SEND);
    FAILS(hit);
    return syscall(SYS_sendmsg, fd, message, flags);
}

static int opened(int dirfd, const char *name, int flags, mode_t mode) {
    if (watching && flags & (O_CREAT | O_TRUNC)) {
        char path[PATH_MAX];
        absolute(dirfd, name, path);
        struct hit hit = step(place_of_path(path), OPEN);
        FAILS(hit);
    }
    return (int)syscall(SYS_openat, dirfd, name, flags, mode);
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = (mode_t)va_arg(more, int); va_end(more); }

int open(const char *name, int flags, ...) { MODE(flags, mode) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags, mode) return opened(AT_FDCWD, name, flags, mode); }
int openat(int dirfd, const char *name, int flags, ...) { MODE(flags, mode) return opened(dirfd, name, flags, mode); }
int openat64(int dirfd, const char *name, int flags, ...) { MODE(flags, mode) return opened(dirfd, name, flags, mode); }

static int synced(long call, int fd) {
    char path[PATH_MAX];
    int place = watching ? place_of_fd(fd, path) : -1;
    struct hit hit = step(place, SYNC);
    FAILS(hit);
    int result = (int)syscall(call, fd);
    if (watching && place > 0 && !result) {
        pthread_mutex_lock(&mutex);
        note_synced(fd, path);
        pthread_mutex_unlock(&mutex);
    }
    return result;
}

int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }

static int moved(int from_dir, const char *from, int to_dir, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    int place = -1, replaced = 0;
    if (watching) {
        absolute(from_dir, from, old);
        absolute(to_dir, to, new);
        place = place_of_path(new);
        replaced = !syscall(SYS_faccessat, AT_FDCWD, new, F_OK);
    }
    struct hit hit = step(place, NAME);
    FAILS(hit);
    int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    if (place > 0 && !result) {
        pthread_mutex_lock(&mutex);
        note_renamed(old, new, replaced);
        pthread_mutex_unlock(&mutex);
    }
    return result;
}

int rename(const char *from, const char *to) { return moved(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return moved(from_dir, from, to_dir, to); }

static int removed(int dirfd, const char *name, int flags) {
    char path[PATH_MAX];
    if (watching) absolute(dirfd, name, path);
    struct hit hit = step(watching ? place_of_path(path) : -1, REMOVE);
    FAILS(hit);
    return (int)syscall(SYS_unlinkat, dirfd, name, flags);
}

int unlink(const char *name) { return removed(AT_FDCWD, name, 0); }
int unlinkat(int dirfd, const char *name, int flags) { return removed(dirfd, name, flags); }
int rmdir(const char *name) { return removed(AT_FDCWD, name, AT_REMOVEDIR); }

static int made(int dirfd, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (watching) absolute(dirfd, name, path);
    struct hit hit = step(watching ? place_of_path(path) : -1, OPEN);
    FAILS(hit);
    return (int)syscall(SYS_mkdirat, dirfd, name, mode);
}

int mkdir(const char *name, mode_t mode) { return made(AT_FDCWD, name, mode); }
int mkdirat(int dirfd, const char *name, mode_t mode) { return made(dirfd, name, mode); }

/* A disk that is full says so. */
static int is_full(void) {
    for (int n = 0; n < SLOTS; n++)
        if (faults[n].kind == FULL && faults[n].struck) return 1;
    return 0;
}

int statvfs(const char *restrict path, struct statvfs *restrict found) {
    struct statfs now;
    if (syscall(SYS_statfs, path, &now)) return -1;
    memset(found, 0, sizeof *found);
    found->f_bsize = (unsigned long)now.f_bsize;
    found->f_frsize = (unsigned long)(now.f_frsize ? now.f_frsize : now.f_bsize);
    found->f_blocks = now.f_blocks;
    found->f_bfree = is_full() ? 0 : now.f_bfree;
    found->f_bavail = is_full() ? 0 : now.f_bavail;
    found->f_files = now.f_files;
    found->f_ffree = found->f_favail = now.f_ffree;
    found->f_namemax = (unsigned long)now.f_namelen;
    return 0;
}

int statvfs64(const char *restrict path, struct statvfs64 *restrict found) {
    return statvfs(path, (struct statvfs *)found);
}

/* --- the clock -------------------------------------------------------------------------------------------------------- */

int clock_gettime(clockid_t id, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, id, now);
    if (!result && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += clock_shift;
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec exact;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
