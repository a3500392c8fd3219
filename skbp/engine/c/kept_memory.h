/* The memory of a workspace, which its thread keeps for the next call.

   A call of a kernel takes a block of rows, and a fit has many calls. Where freed memory goes back
   to the system at once, as on Dask's workers (MALLOC_TRIM_THRESHOLD_), each call would fault its
   pages in anew, which costs 15 to 60 % of the time of the computation.

   A thread keeps one memory of at most KEPT_BYTES; it is freed when the thread ends. A memory in
   use is kept nowhere, so a kernel that was called inside another one would get its own. */

#ifndef SKBP_KEPT_MEMORY_H
#define SKBP_KEPT_MEMORY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <pthread.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

/* Larger memories are those of networks with millions of weights, or of rows with ten thousands of
   features. A call computes so long with these that the faults do not count. */
#define KEPT_BYTES ((size_t)1 << 24)

/* What stands before the bytes of a memory. */
typedef struct {
    size_t size;
} memory_t;

static int keeps_memory; /* whether the threads have a place for what they keep */

#if defined(_WIN32)
static DWORD place_of_kept;

static void WINAPI free_kept(void *memory)
{
    free(memory);
}

static int make_place(void)
{
    place_of_kept = FlsAlloc(free_kept);
    return place_of_kept != FLS_OUT_OF_INDEXES;
}

static memory_t *kept_memory(void)
{
    return FlsGetValue(place_of_kept);
}

/* Let the thread keep a memory, or nothing for NULL; return 0 if it cannot. */
static int keep(memory_t *memory)
{
    return FlsSetValue(place_of_kept, memory) != 0;
}
#else
static pthread_key_t place_of_kept;

static int make_place(void)
{
    return pthread_key_create(&place_of_kept, free) == 0;
}

static memory_t *kept_memory(void)
{
    return pthread_getspecific(place_of_kept);
}

/* Let the thread keep a memory, or nothing for NULL; return 0 if it cannot. */
static int keep(memory_t *memory)
{
    return pthread_setspecific(place_of_kept, memory) == 0;
}
#endif

/* Let threads keep memory from now on. Called at import; where it fails, nothing is kept. */
static void start_keeping_memory(void)
{
    if (!keeps_memory) keeps_memory = make_place();
}

static void *bytes_of(memory_t *memory)
{
    return memory + 1;
}

/* Return a memory of `size` bytes, all 0; NULL if there is none. */
static memory_t *take_memory(uint64_t size)
{
    memory_t *memory = keeps_memory ? kept_memory() : NULL;
    if (memory && memory->size >= size && keep(NULL)) {
        ASAN_UNPOISON_MEMORY_REGION(bytes_of(memory), (size_t)size);
        memset(bytes_of(memory), 0, (size_t)size);
        return memory;
    }
    if (size > SIZE_MAX - sizeof *memory) return NULL;
    memory = calloc(sizeof *memory + (size_t)size, 1);
    if (memory) memory->size = (size_t)size;
    return memory;
}

/* Keep a memory that is no longer used, in the place of a smaller one, or free it. */
static void give_back(memory_t *memory)
{
    if (!memory) return;
    memory_t *kept = keeps_memory ? kept_memory() : NULL;
    int is_wanted = memory->size <= KEPT_BYTES && (!kept || kept->size < memory->size);
    int is_kept = keeps_memory && is_wanted && keep(memory);
    /* so that the sanitizer sees what goes beyond the bytes of the next call */
    if (is_kept) ASAN_POISON_MEMORY_REGION(bytes_of(memory), memory->size);
    free(is_kept ? kept : memory);
}

#endif
