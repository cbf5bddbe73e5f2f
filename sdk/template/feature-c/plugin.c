/* my-feature: looks at every event that is published and refuses those that hold a word.
 *
 * The host has read plugin.json: `word` is there and fits the schema, whatever was configured. */
#include <postbus/plugin.h>

#include <stdlib.h>
#include <string.h>

POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);

typedef struct my_feature {
  postbus_str word; /* the host's, valid until destroy */
} my_feature;

static int holds(postbus_bytes data, postbus_str word) {
  for (size_t at = 0; at + word.len <= data.len; ++at)
    if (memcmp(data.ptr + at, word.ptr, word.len) == 0) return 1;
  return 0;
}

/* Called from many threads at once: it must not block. */
static void on_batch(void *self, uint32_t stage, postbus_item *items, size_t n) {
  const my_feature *me = self;
  (void)stage; /* there is one */
  for (size_t i = 0; i < n; ++i) {
    if (!holds(items[i].event->data, me->word)) continue; /* an item comes in with the verdict PASS */
    items[i].verdict = POSTBUS_REJECT;
    items[i].reason = 0; /* the first of the "reasons" in plugin.json */
  }
}

static const postbus_interceptor interceptor = {sizeof(postbus_interceptor), POSTBUS_AT_PUBLISH, 0, 0, on_batch};

static void start_or_stop(void *self, postbus_done done) {
  (void)self; /* nothing to open, nothing to close */
  if (done.fn != NULL) done.fn(done.ctx, POSTBUS_OK, NULL, NULL);
}

static const void *interface(void *self, const char *id) {
  (void)self;
  return strcmp(id, "postbus.interceptor/1") == 0 ? &interceptor : NULL;
}

static const postbus_plugin table = {sizeof(postbus_plugin), POSTBUS_CAN_VIRTUAL_TIME, start_or_stop, start_or_stop, free, interface};

static int32_t refuse(postbus_error *err, int32_t code, const char *why) {
  err->code = code;
  strncpy(err->message, why, sizeof err->message - 1);
  return code;
}

static int32_t create(const postbus_host *host, postbus_str config, const postbus_plugin **out, void **self, postbus_error *err) {
  (void)config; /* the settings as JSON; those below are the same */
  void *settings_self = NULL;
  const postbus_settings *settings = host->service(host, "postbus.settings/1", &settings_self);
  if (settings == NULL) return refuse(err, POSTBUS_E_UNSUPPORTED, "this host has no postbus.settings/1");
  my_feature *me = calloc(1, sizeof *me);
  if (me == NULL) return refuse(err, POSTBUS_E_NOMEM, "no memory");
  const postbus_str name = {"word", 4};
  if (settings->text(settings_self, name, &me->word) != POSTBUS_OK) {
    free(me);
    return refuse(err, POSTBUS_E_INVALID, "word is a text");
  }
  *self = me;
  *out = &table;
  return POSTBUS_OK;
}

static const postbus_plugin_desc description = {sizeof(postbus_plugin_desc), 0, "my-feature", create};
static const postbus_plugin_desc *const plugins[] = {&description};

const postbus_module POSTBUS_MODULE = {
    POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, POSTBUS_PLUGIN_MANIFEST, plugins, 1};
