/* As seen.cpp, in C; the data of its events changes owner instead of being copied. */
#include <postbus/plugin.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);

typedef struct seen {
  const postbus_host *host;
  atomic_int published, delivered;
} seen;

static void note(seen *me, postbus_item *item, const char *sign, int number) {
  const postbus_bytes old = item->event->data;
  const size_t room = old.len + 40;
  char *text = malloc(room);
  item->verdict = POSTBUS_FAIL;
  if (text == NULL) return;
  if (old.len > 0) memcpy(text, old.ptr, old.len);
  const int added = snprintf(text + old.len, room - old.len, " %s C %d", sign, number);
  const postbus_owned data = {{(const uint8_t *)text, old.len + (size_t)added}, free, text};
  item->replacement = me->host->event_new(me->host, item->event, &data);
  if (item->replacement == NULL) free(text);
  else item->verdict = POSTBUS_REPLACE;
}

static void on_batch(void *self, uint32_t stage, postbus_item *items, size_t n) {
  seen *me = self;
  for (size_t i = 0; i < n; ++i) {
    if (stage == POSTBUS_AT_PUBLISH) note(me, &items[i], ">", atomic_fetch_add(&me->published, 1) + 1);
    else note(me, &items[i], "<", atomic_fetch_add(&me->delivered, 1) + 1);
  }
}

static const postbus_interceptor interceptor = {sizeof(postbus_interceptor), POSTBUS_AT_PUBLISH | POSTBUS_AT_DELIVER, 0, 0, on_batch};

static void answer(void *self, postbus_done done) {
  (void)self;
  if (done.fn != NULL) done.fn(done.ctx, POSTBUS_OK, NULL, NULL);
}
static const void *interface(void *self, const char *id) {
  (void)self;
  return strcmp(id, "postbus.interceptor/1") == 0 ? &interceptor : NULL;
}
static const postbus_plugin table = {sizeof(postbus_plugin), POSTBUS_CAN_VIRTUAL_TIME, answer, answer, free, interface};

static int32_t create(const postbus_host *host, postbus_str config, const postbus_plugin **out, void **self, postbus_error *err) {
  (void)config;
  seen *me = calloc(1, sizeof *me);
  if (me == NULL) {
    err->code = POSTBUS_E_NOMEM;
    strcpy(err->message, "no memory");
    return POSTBUS_E_NOMEM;
  }
  me->host = host;
  *self = me;
  *out = &table;
  return POSTBUS_OK;
}

static const postbus_plugin_desc description = {sizeof(postbus_plugin_desc), 0, ID, create};
static const postbus_plugin_desc *const all[] = {&description};
const postbus_module POSTBUS_MODULE = {
    POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, POSTBUS_PLUGIN_MANIFEST, all, 1};
