/* A library with two plugins that are never created, and each way in which a library can be wrong, by a definition. */
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
