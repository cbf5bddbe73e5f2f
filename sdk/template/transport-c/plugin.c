/* my-transport: carries events from publish to the subscriptions on their topic. A start: put your wire where the queues are.
 *
 * It delivers no more than a subscription has credit for; retries, timers and handlers are the host's. What it does not declare in `can`
 * and in plugin.json (patterns, groups, acknowledgement …) the host supplies, or refuses to who asks for it. `postbus check` shows which. */
#include <postbus/plugin.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

POSTBUS_MANIFEST(POSTBUS_PLUGIN_MANIFEST);

typedef struct waiting_event {
  const postbus_event *event;
  struct waiting_event *next;
} waiting_event;

typedef struct subscription {
  struct subscription *next;
  const postbus_sink *to;
  char *topic;
  size_t topic_size, waiting_count;
  uint32_t credit;
  waiting_event *first, **end; /* end: where the next one is hung up */
} subscription;

typedef struct my_transport {
  const postbus_host *host;
  size_t queue_max;
  pthread_mutex_t mutex; /* of what follows */
  subscription *all;
} my_transport;

static void answer(postbus_done done, int32_t status, const void *result) {
  if (done.fn != NULL) done.fn(done.ctx, status, result, NULL);
}

static int matches(const subscription *s, postbus_str topic) {
  return s->topic_size == topic.len && memcmp(s->topic, topic.ptr, topic.len) == 0;
}

static void drop_first(const my_transport *me, subscription *s) {
  waiting_event *w = s->first;
  s->first = w->next;
  if (s->first == NULL) s->end = &s->first;
  --s->waiting_count;
  me->host->event_release(me->host, w->event);
  free(w);
}

/* With bounded credit deliver() only queues, so it may be called with the lock held, which keeps the order. */
static void hand_out(const my_transport *me, subscription *s) {
  for (; s->credit > 0 && s->first != NULL; --s->credit) {
    postbus_delivery delivery = {0};
    delivery.event = s->first->event;
    s->to->deliver(s->to->ctx, &delivery, 1);
    drop_first(me, s);
  }
}

static int32_t queue_up(const my_transport *me, subscription *s, const postbus_event *event) {
  waiting_event *w = calloc(1, sizeof *w);
  if (w == NULL) return POSTBUS_E_NOMEM;
  w->event = me->host->event_keep(me->host, event); /* the event itself is gone when publish returns */
  if (w->event == NULL) {
    free(w);
    return POSTBUS_E_NOMEM;
  }
  *s->end = w;
  s->end = &w->next;
  ++s->waiting_count;
  hand_out(me, s);
  return POSTBUS_OK;
}

/* All subscriptions take an event, or none does. */
static int32_t add(const my_transport *me, const postbus_event *event) {
  int32_t status = POSTBUS_OK;
  for (subscription *s = me->all; s != NULL; s = s->next)
    if (matches(s, event->topic) && s->waiting_count >= me->queue_max) return POSTBUS_E_FULL;
  for (subscription *s = me->all; s != NULL && status == POSTBUS_OK; s = s->next)
    if (matches(s, event->topic)) status = queue_up(me, s, event);
  return status;
}

static void publish(void *self, const postbus_out *events, size_t n, postbus_done done) {
  my_transport *me = self;
  postbus_receipt *receipts = calloc(n > 0 ? n : 1, sizeof *receipts);
  if (receipts == NULL) {
    answer(done, POSTBUS_E_NOMEM, NULL);
    return;
  }
  pthread_mutex_lock(&me->mutex);
  for (size_t i = 0; i < n; ++i) /* behind one without room there is none: they would overtake it */
    receipts[i].status = i > 0 && receipts[i - 1].status == POSTBUS_E_FULL ? POSTBUS_E_FULL : add(me, events[i].event);
  pthread_mutex_unlock(&me->mutex);
  answer(done, POSTBUS_OK, receipts);
  free(receipts);
}

static void subscribe(void *self, const postbus_sub *request, const postbus_sink *to, postbus_done done) {
  my_transport *me = self;
  if (request->credit == POSTBUS_CREDIT_UNLIMITED) { /* it delivers with its lock held */
    answer(done, POSTBUS_E_UNSUPPORTED, NULL);
    return;
  }
  subscription *s = calloc(1, sizeof *s);
  char *topic = malloc(request->pattern.len);
  if (s == NULL || topic == NULL) {
    free(s);
    free(topic);
    answer(done, POSTBUS_E_NOMEM, NULL);
    return;
  }
  memcpy(topic, request->pattern.ptr, request->pattern.len);
  s->topic = topic;
  s->topic_size = request->pattern.len;
  s->to = to;
  s->credit = request->credit;
  s->end = &s->first;
  pthread_mutex_lock(&me->mutex);
  s->next = me->all;
  me->all = s;
  pthread_mutex_unlock(&me->mutex);
  answer(done, POSTBUS_OK, s);
}

static void credit(void *self, void *sub, uint32_t n) {
  my_transport *me = self;
  subscription *s = sub;
  pthread_mutex_lock(&me->mutex);
  s->credit += n;
  hand_out(me, s);
  pthread_mutex_unlock(&me->mutex);
}

/* Afterwards nothing is delivered to it any more. */
static void quiesce(void *self, void *sub, postbus_done done) {
  my_transport *me = self;
  subscription *s = sub;
  pthread_mutex_lock(&me->mutex);
  for (subscription **at = &me->all; *at != NULL; at = &(*at)->next)
    if (*at == s) {
      *at = s->next;
      break;
    }
  while (s->first != NULL) drop_first(me, s);
  pthread_mutex_unlock(&me->mutex);
  answer(done, POSTBUS_OK, NULL);
}

static void unsubscribe(void *self, void *sub, postbus_done done) {
  (void)self;
  free(((subscription *)sub)->topic);
  free(sub);
  answer(done, POSTBUS_OK, NULL);
}

static const postbus_transport transport = {.size = sizeof(postbus_transport),
                                            .can = POSTBUS_CAN_CREDIT,
                                            .data_max = UINT64_MAX,
                                            .publish = publish,
                                            .subscribe = subscribe,
                                            .credit = credit,
                                            .quiesce = quiesce,
                                            .unsubscribe = unsubscribe};

static void start_or_stop(void *self, postbus_done done) {
  (void)self; /* nothing to open, nothing to close */
  answer(done, POSTBUS_OK, NULL);
}

static void destroy(void *self) {
  my_transport *me = self;
  pthread_mutex_destroy(&me->mutex);
  free(me);
}

static const void *interface(void *self, const char *id) {
  (void)self;
  return strcmp(id, "postbus.transport/1") == 0 ? &transport : NULL;
}

static const postbus_plugin table = {sizeof(postbus_plugin), POSTBUS_CAN_VIRTUAL_TIME, start_or_stop, start_or_stop, destroy, interface};

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
  int64_t queue_max = 0;
  const postbus_str name = {"queue_max", 9};
  if (settings->integer(settings_self, name, &queue_max) != POSTBUS_OK || queue_max < 1)
    return refuse(err, POSTBUS_E_INVALID, "queue_max is an integer from 1");
  my_transport *me = calloc(1, sizeof *me);
  if (me == NULL) return refuse(err, POSTBUS_E_NOMEM, "no memory");
  me->host = host;
  me->queue_max = (size_t)queue_max;
  pthread_mutex_init(&me->mutex, NULL);
  *self = me;
  *out = &table;
  return POSTBUS_OK;
}

static const postbus_plugin_desc description = {sizeof(postbus_plugin_desc), 0, "my-transport", create};
static const postbus_plugin_desc *const plugins[] = {&description};

const postbus_module POSTBUS_MODULE = {
    POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, POSTBUS_PLUGIN_MANIFEST, plugins, 1};
