/* drop-if: a feature in C. An event whose header `header` has the value `value` is dropped: its publisher hears "ok", and nobody
 * gets it. Settings come by name from postbus.settings/1, so there is no JSON to parse. */
#include <postbus/plugin.h>

#include <stdlib.h>
#include <string.h>

POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);

typedef struct drop_if {
  postbus_str header, value; /* the host's, valid until destroy */
  const postbus_metrics *metrics;
  void *metrics_self;
  uint32_t dropped;
} drop_if;

static int equal(postbus_str a, postbus_str b) {
  return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static int is_unwanted(const drop_if *me, const postbus_event *event) {
  for (size_t i = 0; i < event->header_count; ++i)
    if (equal(event->headers[i].name, me->header)) return equal(event->headers[i].value, me->value);
  return 0;
}

static void on_batch(void *self, uint32_t stage, postbus_item *items, size_t n) {
  const drop_if *me = self;
  (void)stage; /* there is one */
  for (size_t i = 0; i < n; ++i) {
    if (!is_unwanted(me, items[i].event)) continue; /* an item comes in with the verdict PASS */
    items[i].verdict = POSTBUS_DROP;
    if (me->metrics != NULL) me->metrics->add(me->metrics_self, me->dropped, 1);
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

static postbus_str text(const char *chars) {
  const postbus_str s = {chars, strlen(chars)};
  return s;
}

static int32_t create(const postbus_host *host, postbus_str config, const postbus_plugin **out, void **self, postbus_error *err) {
  (void)config; /* the settings as JSON; those below are the same */
  void *settings_self = NULL;
  const postbus_settings *settings = host->service(host, "postbus.settings/1", &settings_self);
  if (settings == NULL) return refuse(err, POSTBUS_E_UNSUPPORTED, "this host has no postbus.settings/1");
  drop_if *me = calloc(1, sizeof *me);
  if (me == NULL) return refuse(err, POSTBUS_E_NOMEM, "no memory");
  if (settings->text(settings_self, text("header"), &me->header) != POSTBUS_OK ||
      settings->text(settings_self, text("value"), &me->value) != POSTBUS_OK) {
    free(me);
    return refuse(err, POSTBUS_E_INVALID, "header and value are texts");
  }
  me->metrics = host->service(host, "postbus.metrics/1", &me->metrics_self);
  if (me->metrics != NULL)
    me->dropped = me->metrics->define(me->metrics_self, POSTBUS_COUNTER, text("events"), text("Events dropped."));
  *self = me;
  *out = &table;
  return POSTBUS_OK;
}

static const postbus_plugin_desc description = {sizeof(postbus_plugin_desc), 0, "drop-if", create};
static const postbus_plugin_desc *const plugins[] = {&description};

const postbus_module POSTBUS_MODULE = {
    POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, POSTBUS_PLUGIN_MANIFEST, plugins, 1};
