/* A camera that is not there: a V4L2 device for programs that this is loaded into (LD_PRELOAD).
 *
 * RUSHES_TEST_CAMERA says which and how: words with spaces between, the first the path that it answers to.
 *   rate_ms=N   a frame every N milliseconds, whether or not there is a buffer for it; without: one as
 *               soon as there is a buffer
 *   unplug=N    gone after N frames          stall=N    no frame after N
 *   busy=open | busy=stream                  denied=1   may not be opened
 *   absurd=size | room | used | lists | zero what it states makes no sense
 *   padded=N    so many bytes after each row  skip=N    numbers of frames jump at frame N
 *   broken=N    frame N is marked as broken   short=N   frame N has half of its bytes
 *   jpeg=PATH   it also has 640x480 as this JPEG, 30 a second
 *   default=1   its default range, JPEG's, is stated (full)
 *   node=output it is no camera
 *
 * Frame n has at (x, y): Y = 16 + (3x + 5y + 7n) % 220, U = 78 + (x/2 + n) % 101, V = 78 + (y + 2n) % 101,
 * as YUYV, and the time 1000 s + n/rate. Struct layouts and numbers are the kernel's, from its header.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { MOST_BUFFERS = 8, MOST_FDS = 1024, MOST_JPEG = 1 << 20 };

struct device {
    int fd, memory, nonblocking, streaming, stop;
    unsigned width, height, fourcc, rate, stride, image, buffers;
    unsigned char *pixels;
    unsigned queued[MOST_BUFFERS], filled[MOST_BUFFERS], queued_count, filled_count;
    struct v4l2_buffer made[MOST_BUFFERS];
    unsigned frame, sequence;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t change;
};

static struct device *devices[MOST_FDS];

static const struct mode { unsigned fourcc, width, height, rates[2]; } modes[] = {
    {V4L2_PIX_FMT_YUYV, 640, 480, {10, 0}},
    {V4L2_PIX_FMT_YUYV, 160, 120, {30, 15}},
    {V4L2_PIX_FMT_YUYV, 320, 240, {30, 0}},
    {V4L2_PIX_FMT_MJPEG, 640, 480, {30, 0}},
};

static const char *word(const char *key) {
    static __thread char value[512];
    const char *all = getenv("RUSHES_TEST_CAMERA");
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s=", key);
    const char *found = all ? strstr(all, wanted) : NULL;
    if (!found) return NULL;
    snprintf(value, sizeof value, "%s", found + strlen(wanted));
    value[strcspn(value, " ")] = 0;
    return value;
}

static int number(const char *key) {
    const char *value = word(key);
    return value ? atoi(value) : -1;
}

static int is(const char *key, const char *wanted) {
    const char *value = word(key);
    return value && !strcmp(value, wanted);
}

static int is_ours(const char *path) {
    const char *all = getenv("RUSHES_TEST_CAMERA");
    size_t length = all ? strcspn(all, " ") : 0;
    return length && strlen(path) == length && !memcmp(path, all, length);
}

static struct device *at(int fd) { return fd >= 0 && fd < MOST_FDS ? devices[fd] : NULL; }

/* The functions behind these; asked for when needed, which is before any constructor of this file runs. */
#define REAL(kind, name, ...) ((kind (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))
#define real_close REAL(int, "close", int)
#define real_open REAL(int, "open", const char *, int, ...)
#define real_ioctl REAL(int, "ioctl", int, unsigned long, ...)
#define real_mmap REAL(void *, "mmap", void *, size_t, int, int, int, off_t)

static unsigned sequence_of(unsigned frame) {
    int skip = number("skip");
    return skip >= 0 && frame >= (unsigned)skip ? frame + 3 : frame;
}

static unsigned draw(struct device *device, unsigned char *place, unsigned n) {
    if (device->fourcc == V4L2_PIX_FMT_MJPEG) {
        int file = real_open(word("jpeg"), O_RDONLY);
        ssize_t bytes = file < 0 ? 0 : read(file, place, device->image);
        if (file >= 0) real_close(file);
        return bytes < 0 ? 0 : (unsigned)bytes;
    }
    for (unsigned y = 0; y < device->height; y++)
        for (unsigned x = 0; x < device->width; x++) {
            unsigned char *pixel = place + y * device->stride + x * 2;
            pixel[0] = 16 + (3 * x + 5 * y + 7 * n) % 220;
            pixel[1] = x % 2 ? 78 + (y + 2 * n) % 101 : 78 + (x / 2 + n) % 101;
        }
    return device->stride * device->height;
}

/* Called with the lock held; a buffer is queued. */
static void fill(struct device *device) {
    unsigned n = device->frame, index = device->queued[0];
    memmove(device->queued, device->queued + 1, --device->queued_count * sizeof *device->queued);
    struct v4l2_buffer *buffer = &device->made[index];
    memset(buffer, 0, sizeof *buffer);
    buffer->index = index;
    buffer->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer->memory = V4L2_MEMORY_MMAP;
    buffer->length = device->image;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    buffer->field = V4L2_FIELD_NONE;
    buffer->bytesused = draw(device, device->pixels + index * device->image, n);
    unsigned long long us = 1000000000ULL + n * 1000000ULL / device->rate;
    buffer->timestamp.tv_sec = us / 1000000;
    buffer->timestamp.tv_usec = us % 1000000;
    buffer->sequence = device->sequence;
    if (number("broken") == (int)n) buffer->flags |= V4L2_BUF_FLAG_ERROR;
    if (number("short") == (int)n) buffer->bytesused /= 2;
    if (is("absurd", "used")) buffer->bytesused = 0xfffffff0;
    device->filled[device->filled_count++] = index;
}

static void tell(struct device *device) {
    unsigned long long one = 1;
    if (write(device->fd, &one, sizeof one) < 0) abort();
}

static void *produce(void *given) {
    struct device *device = given;
    int pace = number("rate_ms"), stall = number("stall"), unplug = number("unplug");
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    pthread_mutex_lock(&device->lock);
    while (!device->stop) {
        if (unplug >= 0 && device->frame == (unsigned)unplug) {
            tell(device);
            break;
        }
        if (stall >= 0 && device->frame == (unsigned)stall) break;
        if (pace > 0) {
            next.tv_nsec += pace * 1000000L;
            next.tv_sec += next.tv_nsec / 1000000000L;
            next.tv_nsec %= 1000000000L;
            while (!device->stop &&
                   pthread_cond_timedwait(&device->change, &device->lock, &next) != ETIMEDOUT) {}
        } else {
            while (!device->stop && !device->queued_count)
                pthread_cond_wait(&device->change, &device->lock);
        }
        if (device->stop) break;
        device->sequence = sequence_of(device->frame);
        if (device->queued_count) {
            fill(device);
            tell(device);
        }
        device->frame++;
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

static int fail(int code) {
    errno = code;
    return -1;
}

static int open_device(int flags) {
    if (is("busy", "open")) return fail(EBUSY);
    if (number("denied") == 1) return fail(EACCES);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE | EFD_CLOEXEC);
    if (fd < 0 || fd >= MOST_FDS) return fail(EMFILE);
    struct device *device = calloc(1, sizeof *device);
    device->fd = fd;
    device->memory = -1;
    device->nonblocking = flags & O_NONBLOCK;
    device->width = 160, device->height = 120, device->fourcc = V4L2_PIX_FMT_YUYV, device->rate = 30;
    pthread_mutex_init(&device->lock, NULL);
    pthread_cond_init(&device->change, NULL);
    devices[fd] = device;
    return fd;
}

static void stop(struct device *device) {
    if (!device->streaming) return;
    pthread_mutex_lock(&device->lock);
    device->stop = 1;
    pthread_cond_broadcast(&device->change);
    pthread_mutex_unlock(&device->lock);
    pthread_join(device->thread, NULL);
    device->streaming = device->stop = 0;
    device->queued_count = device->filled_count = 0;
    unsigned long long ignored;
    while (read(device->fd, &ignored, sizeof ignored) > 0) {}
}

static void free_buffers(struct device *device) {
    if (device->pixels) munmap(device->pixels, (size_t)device->image * device->buffers);
    if (device->memory >= 0) real_close(device->memory);
    device->pixels = NULL, device->memory = -1, device->buffers = 0;
}

static void describe(struct device *device, struct v4l2_pix_format *pix) {
    int padding = number("padded");
    device->stride = device->width * 2 + (padding > 0 ? padding : 0);
    device->image = device->stride * device->height;
    /* Pages, as mmap wants its offsets. */
    device->image = (device->image + 4095) / 4096 * 4096;
    memset(pix, 0, sizeof *pix);
    pix->width = device->width, pix->height = device->height;
    pix->pixelformat = device->fourcc;
    pix->field = V4L2_FIELD_NONE;
    pix->bytesperline = device->fourcc == V4L2_PIX_FMT_MJPEG ? 0 : device->stride;
    pix->sizeimage = device->image;
    pix->colorspace = number("default") == 1 ? V4L2_COLORSPACE_JPEG : V4L2_COLORSPACE_SRGB;
    pix->priv = V4L2_PIX_FMT_PRIV_MAGIC;
    if (is("absurd", "size")) pix->width = pix->height = 65000, pix->bytesperline = 130000;
    if (is("absurd", "zero")) pix->width = 0;
    if (is("absurd", "room")) pix->bytesperline = 0xffffffff, pix->sizeimage = 0xffffffff;
}

static int offers(const struct mode *mode) {
    return mode->fourcc != V4L2_PIX_FMT_MJPEG || word("jpeg");
}

static int set_format(struct device *device, struct v4l2_pix_format *pix) {
    if (device->streaming) return fail(EBUSY);
    const struct mode *best = NULL;
    long best_distance = 0;
    for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
        long dx = (long)modes[i].width - pix->width, dy = (long)modes[i].height - pix->height;
        long distance = dx * dx + dy * dy + (modes[i].fourcc != pix->pixelformat) * 100000000L;
        if (offers(&modes[i]) && (!best || distance < best_distance)) best = &modes[i], best_distance = distance;
    }
    device->width = best->width, device->height = best->height;
    device->fourcc = best->fourcc, device->rate = best->rates[0];
    describe(device, pix);
    return 0;
}

static int answer(struct device *device, unsigned long request, void *given) {
    switch (request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *it = given;
        memset(it, 0, sizeof *it);
        strcpy((char *)it->driver, "rushes-test");
        strcpy((char *)it->card, "Moving pattern");
        strcpy((char *)it->bus_info, "test:0");
        it->version = 0x60100;
        it->device_caps = is("node", "output") ? V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING
                                               : V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        /* What another node of the device has is told here too. */
        it->capabilities = it->device_caps | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case VIDIOC_G_INPUT: *(int *)given = 0; return 0;
    case VIDIOC_S_INPUT: return *(int *)given ? fail(EINVAL) : 0;
    case VIDIOC_ENUMINPUT: {
        struct v4l2_input *it = given;
        if (it->index) return fail(EINVAL);
        memset(it, 0, sizeof *it);
        it->type = V4L2_INPUT_TYPE_CAMERA;
        return 0;
    }
    case VIDIOC_ENUM_FMT: {
        struct v4l2_fmtdesc *it = given;
        if (it->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        if (it->index >= (word("jpeg") ? 2u : 1u) && !is("absurd", "lists")) return fail(EINVAL);
        it->pixelformat = it->index == 1 && word("jpeg") ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
        it->flags = it->pixelformat == V4L2_PIX_FMT_MJPEG ? V4L2_FMT_FLAG_COMPRESSED : 0;
        return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
        struct v4l2_frmsizeenum *it = given;
        unsigned seen = 0;
        for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
            if (modes[i].fourcc != it->pixel_format || (seen++ != it->index && !is("absurd", "lists"))) continue;
            it->type = V4L2_FRMSIZE_TYPE_DISCRETE;
            it->discrete.width = modes[i].width, it->discrete.height = modes[i].height;
            return 0;
        }
        return fail(EINVAL);
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
        struct v4l2_frmivalenum *it = given;
        for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
            if (modes[i].fourcc != it->pixel_format || modes[i].width != it->width || modes[i].height != it->height)
                continue;
            if (!is("absurd", "lists") && (it->index > 1 || !modes[i].rates[it->index])) break;
            it->type = V4L2_FRMIVAL_TYPE_DISCRETE;
            it->discrete.numerator = is("absurd", "lists") ? 0 : 1;
            it->discrete.denominator = modes[i].rates[it->index % 2];
            return 0;
        }
        return fail(EINVAL);
    }
    case VIDIOC_G_FMT: case VIDIOC_TRY_FMT: case VIDIOC_S_FMT: {
        struct v4l2_format *it = given;
        if (it->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        if (request == VIDIOC_S_FMT) return set_format(device, &it->fmt.pix);
        describe(device, &it->fmt.pix);
        return 0;
    }
    case VIDIOC_G_PARM: case VIDIOC_S_PARM: {
        struct v4l2_streamparm *it = given;
        struct v4l2_fract wanted = it->parm.capture.timeperframe;
        if (request == VIDIOC_S_PARM && wanted.numerator)
            for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
                for (unsigned r = 0; r < 2; r++)
                    if (modes[i].fourcc == device->fourcc && modes[i].width == device->width &&
                        modes[i].rates[r] && modes[i].rates[r] == wanted.denominator / wanted.numerator)
                        device->rate = modes[i].rates[r];
        memset(&it->parm, 0, sizeof it->parm);
        it->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
        it->parm.capture.timeperframe.numerator = 1;
        it->parm.capture.timeperframe.denominator = device->rate;
        return 0;
    }
    case VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *it = given;
        if (it->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
        if (is("busy", "stream")) return fail(EBUSY);
        free_buffers(device);
        if (!it->count) return 0;
        if (it->count > MOST_BUFFERS) it->count = MOST_BUFFERS;
        struct v4l2_pix_format pix;
        describe(device, &pix);
        device->buffers = it->count;
        size_t bytes = (size_t)device->image * it->count;
        device->memory = memfd_create("camera", MFD_CLOEXEC);
        if (device->memory < 0 || ftruncate(device->memory, bytes)) return fail(ENOMEM);
        device->pixels = real_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device->memory, 0);
        return 0;
    }
    case VIDIOC_QUERYBUF: {
        struct v4l2_buffer *it = given;
        if (it->index >= device->buffers) return fail(EINVAL);
        it->length = device->image;
        it->m.offset = it->index * device->image;
        return 0;
    }
    case VIDIOC_QBUF: {
        struct v4l2_buffer *it = given;
        if (it->index >= device->buffers) return fail(EINVAL);
        pthread_mutex_lock(&device->lock);
        device->queued[device->queued_count++] = it->index;
        pthread_cond_broadcast(&device->change);
        pthread_mutex_unlock(&device->lock);
        return 0;
    }
    case VIDIOC_DQBUF: {
        struct v4l2_buffer *it = given;
        unsigned long long one;
        while (read(device->fd, &one, sizeof one) < 0) {
            if (device->nonblocking) return fail(EAGAIN);
            poll(&(struct pollfd){device->fd, POLLIN, 0}, 1, -1);
        }
        pthread_mutex_lock(&device->lock);
        if (!device->filled_count) {
            pthread_mutex_unlock(&device->lock);
            return fail(ENODEV);
        }
        unsigned index = device->filled[0];
        memmove(device->filled, device->filled + 1, --device->filled_count * sizeof *device->filled);
        *it = device->made[index];
        it->m.offset = index * device->image;
        pthread_mutex_unlock(&device->lock);
        return 0;
    }
    case VIDIOC_STREAMON:
        device->streaming = 1;
        device->frame = 0;
        return pthread_create(&device->thread, NULL, produce, device) ? fail(ENOMEM) : 0;
    case VIDIOC_STREAMOFF: stop(device); return 0;
    default: return fail(ENOTTY);
    }
}

#define MODE(flags, last) ({ \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); } \
    mode; })

int open(const char *path, int flags, ...) {
    if (is_ours(path)) return open_device(flags);
    return real_open(path, flags, MODE(flags, flags));
}

int open64(const char *path, int flags, ...) {
    if (is_ours(path)) return open_device(flags);
    return real_open(path, flags | O_LARGEFILE, MODE(flags, flags));
}

int ioctl(int fd, unsigned long request, ...) {
    va_list list;
    va_start(list, request);
    void *given = va_arg(list, void *);
    va_end(list);
    /* Some give it as an int, with the sign in front. */
    return at(fd) ? answer(at(fd), request & 0xffffffffUL, given) : real_ioctl(fd, request, given);
}

void *mmap(void *where, size_t bytes, int protection, int flags, int fd, off_t offset) {
    if (at(fd)) fd = at(fd)->memory;
    return real_mmap(where, bytes, protection, flags, fd, offset);
}

void *mmap64(void *where, size_t bytes, int protection, int flags, int fd, off64_t offset) {
    return mmap(where, bytes, protection, flags, fd, offset);
}

int close(int fd) {
    struct device *device = at(fd);
    if (device) {
        stop(device);
        free_buffers(device);
        devices[fd] = NULL;
        free(device);
    }
    return real_close(fd);
}
