/* A library with two plugins that are never created, and each way in which a library can be wrong, by a definition. */
#define _GNU_SOURCE /* for the faults at the end */
#include <postbus/plugin.h>

static int32_t create(const postbus_host *host, postbus_str config, const postbus_plugin **table, void **self, postbus_error *err) {
  (void)host, (void)config, (void)table, (void)self, (void)err;
  return POSTBUS_E_FAIL;
}

static const postbus_plugin_desc sample = {
#ifdef SHORT_DESCRIPTION
    8,
#else
    sizeof(postbus_plugin_desc),
#endif
    0, "sample", create};
static const postbus_plugin_desc transport = {sizeof(postbus_plugin_desc), 0, "sample-transport", create};
static const postbus_plugin_desc stranger = {sizeof(postbus_plugin_desc), 0, "stranger", create};
static const postbus_plugin_desc *const all[] = {&sample, &transport, &stranger};

#ifndef MAGIC
#define MAGIC POSTBUS_MAGIC
#endif
#ifndef MAJOR
#define MAJOR POSTBUS_ABI_MAJOR
#endif
#ifndef MINOR_WANTED
#define MINOR_WANTED 0
#endif
#ifndef MODULE_SIZE
#define MODULE_SIZE sizeof(postbus_module)
#endif
#ifndef MANIFEST
#define MANIFEST POSTBUS_PLUGIN_MANIFEST
#endif
#ifndef COUNT
#define COUNT 2
#endif

#if defined(BROKEN_NOTE) /* it says that it is longer than the file */
static const struct { uint32_t namesz, descsz, type; char name[8]; char desc[4]; }
  note __attribute__((section(".note.postbus"), used, aligned(4))) = {8u, 1u << 20, 1u, "postbus", "{}"};
#elif defined(ENDLESS_NOTE)
static const struct { uint32_t namesz, descsz, type; char name[8]; char desc[4]; }
  note __attribute__((section(".note.postbus"), used, aligned(4))) = {8u, 4u, 1u, "postbus", {'{', '}', ' ', ' '}};
#elif defined(TWO_NOTES) /* in one object: between two, AddressSanitizer would leave a gap */
static const struct { struct { uint32_t namesz, descsz, type; char name[8]; char desc[4]; } both[2]; }
  note __attribute__((section(".note.postbus"), used, aligned(4))) = {{{8u, 3u, 1u, "postbus", "{}"}, {8u, 3u, 1u, "postbus", "{}"}}};
#elif defined(TWO_FEATURES)
#define FEATURE(id) "{\"id\": \"" id "\", \"provides\": [\"postbus.interceptor/1\"]}"
#undef MANIFEST
#define MANIFEST "{\"version\": \"1.0.0\", \"abi\": 1, \"plugins\": [" FEATURE("sample") ", " FEATURE("sample-transport") "]}"
POSTBUS_MANIFEST(MANIFEST);
#elif !defined(NO_NOTE)
POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);
#endif

#ifdef NO_MODULE
extern const postbus_module elsewhere;
const postbus_module elsewhere = {
#else
const postbus_module POSTBUS_MODULE = {
#endif
    MAGIC, MODULE_SIZE, MAJOR, 0, MINOR_WANTED, 0, MANIFEST, all, COUNT};

#ifdef UNRESOLVED
extern int nobody_has_this(void);
extern POSTBUS_EXPORT int use_it(void);
int use_it(void) { return nobody_has_this(); }
#endif

/* ---- faults that only a look at the whole library finds */

#ifdef SECOND_EXPORT
extern POSTBUS_EXPORT int second;
int second = 2;
#endif

#ifdef TEXT_RELOCATION /* an address among what is only read */
extern int relocated;
int relocated = 1;
__asm__(".section .rodata.relocated, \"a\"\n.balign 8\n.quad relocated\n.previous\n");
#endif

#ifdef STATIC_TLS
static __thread int counter __attribute__((tls_model("initial-exec")));
extern POSTBUS_EXPORT int count(void);
int count(void) { return ++counter; }
#endif

/* ---- what nobody may do when the library is loaded */

#define AT_LOAD __attribute__((constructor)) static void at_load(void)
#ifdef LOAD_THREAD
#include <pthread.h>
#include <unistd.h>
static void *wait_for_ever(void *nothing) {
  for (;;) pause();
  return nothing;
}
AT_LOAD {
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) pthread_detach(thread);
}
#endif
#ifdef LOAD_FILE
#include <stdio.h>
AT_LOAD {
  static FILE *opened;
  opened = fopen("/dev/null", "r");
  (void)opened;
}
#endif
#ifdef LOAD_SIGNAL
#include <signal.h>
AT_LOAD { signal(SIGUSR1, SIG_IGN); }
#endif
#ifdef LOAD_LOCALE
#include <locale.h>
AT_LOAD { setlocale(LC_ALL, "C.UTF-8"); }
#endif
#ifdef LOAD_FOLDER
#include <unistd.h>
AT_LOAD {
  if (chdir("/proc") != 0) _exit(1);
}
#endif
#ifdef LOAD_ENVIRONMENT
#include <stdlib.h>
AT_LOAD { setenv("POSTBUS_SAMPLE", "was here", 1); }
#endif
#ifdef LOAD_SLOWLY /* as long as it takes to be slow on any machine */
#include <time.h>
AT_LOAD {
  const struct timespec while_it_lasts = {0, 250000000};
  nanosleep(&while_it_lasts, NULL);
}
#endif
