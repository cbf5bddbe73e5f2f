/* postbus/plugin.h: the contract between postbus and its plugins, version 1. It needs C11 or C++17 and nothing else.
 *
 * A library exports one symbol, postbus_module_v1, and carries its manifest in the ELF note .note.postbus. In the order of a
 * plugin's life the host
 *   1. reads the note of every library on its path and checks the configuration, before any code of the library runs;
 *   2. loads the library and checks the module: magic, sizes, version, manifest;
 *   3. create()s an instance, asks it once for each interface that the manifest says it provides, and start()s it;
 *   4. calls the interfaces, from many threads;
 *   5. stop()s the instance, and destroy()s it. No library is ever unloaded.
 *
 *  R1 Every table starts with its size and only grows at the end; it has no hole and no tail padding. POSTBUS_HAS says whether a
 *     field is there. Array elements (pair, out, receipt, delivery, settle, item, verdict, op, op_result, work) are frozen for
 *     the interface's revision.
 *  R2 What is passed in is borrowed until the call returns; the items of publish(), settle() and execute() until their done
 *     ran. What a done hands over is borrowed until that done returns. postbus_owned and `replacement` change owner.
 *  R3 A done runs exactly once, on any thread, perhaps before the call that took it returned, and never with a lock held. fn may
 *     be NULL: nobody waits. A postbus_owned's release runs on any thread and calls nothing of the host.
 *  R4 [control] one call at a time per instance; never blocks on I/O.
 *     [hot]     any thread, concurrently, after start completed and before stop is called; never blocks.
 *     [any]     any thread, concurrently; of the plugin's: between create and stop, which is called when no other call runs; of
 *               the host's: between create and the completion of stop, event_release until destroy returned.
 *     [leaf]    as [any], and the host calls nothing of the plugin from inside it: it may be called with a lock held. Nothing
 *               else of the host may be called with a lock held that a [hot] function takes.
 *  R5 No exception, panic or longjmp leaves a function.
 *  R6 Text is UTF-8 with a length; only ids and manifests end in NUL. Times and durations are nanoseconds, sizes are bytes.
 *  R7 Time, timers and randomness come from postbus.runtime/1. A plugin with clocks or threads of its own leaves
 *     POSTBUS_CAN_VIRTUAL_TIME unset.
 *
 * The contract is a draft until the features and the Redis transports are built on it; then it is frozen for ever. */
#ifndef POSTBUS_PLUGIN_H
#define POSTBUS_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

#define POSTBUS_MAGIC 0x31534250u /* "PBS1" */
#define POSTBUS_ABI_MAJOR 1
#define POSTBUS_ABI_MINOR 0
#define POSTBUS_EXPORT __attribute__((visibility("default")))
/* The table is new enough to have the field. */
#define POSTBUS_HAS(p, f) ((p)->size >= offsetof(__typeof__(*(p)), f) + sizeof((p)->f))
/* The table has the function, and it is implemented. */
#define POSTBUS_CAN(p, f) (POSTBUS_HAS(p, f) && (p)->f != NULL)

typedef struct postbus_str { const char *ptr; size_t len; } postbus_str;
typedef struct postbus_bytes { const uint8_t *ptr; size_t len; } postbus_bytes;
typedef struct postbus_pair { postbus_str name, value; } postbus_pair;
/* Bytes that change owner: whoever holds them last calls release(ctx), once; NULL = nothing to release. */
typedef struct postbus_owned { postbus_bytes bytes; void (*release)(void *ctx); void *ctx; } postbus_owned;

enum {
  POSTBUS_OK = 0,
  POSTBUS_E_FAIL = -1,        /* failed, for the reason in the message */
  POSTBUS_E_INVALID = -2,     /* an argument or a setting is wrong */
  POSTBUS_E_UNSUPPORTED = -3, /* cannot be had here, ever */
  POSTBUS_E_CANCELLED = -4,   /* given up before it was done */
  POSTBUS_E_UNAVAILABLE = -5, /* not now; surely not done */
  POSTBUS_E_TIMEOUT = -6,
  POSTBUS_E_FULL = -7,        /* no room now; surely not done */
  POSTBUS_E_CONFLICT = -8,    /* a condition did not hold */
  POSTBUS_E_NOMEM = -9,
  POSTBUS_E_UNKNOWN = -10     /* it was sent; whether it was done is not known */
};
typedef struct postbus_error { uint32_t size; int32_t code; uint32_t retryable; char message[500]; } postbus_error;
/* A completion. `err` may be NULL also when the status is an error. */
typedef struct postbus_done {
  void (*fn)(void *ctx, int32_t status, const void *result, const postbus_error *err);
  void *ctx;
} postbus_done;

/* ---- event: made by the host, immutable ---------------------------------------------------------------------------------- */

/* id and time_ns may be read only by an interface that set POSTBUS_NEED_ID, or after event_fill. */
typedef struct postbus_event {
  uint32_t size, flags;
  postbus_str topic, id, source, key /* partitionkey */, content_type;
  postbus_bytes data;
  const postbus_pair *headers;
  size_t header_count;
  int64_t time_ns, expires_ns /* 0 = never */;
} postbus_event;
enum { POSTBUS_NEED_ID = 1u, POSTBUS_NEED_WIRE = 2u }; /* `needs` of a transport or interceptor, read once */

/* ---- what the host gives ------------------------------------------------------------------------------------------------- */

enum { POSTBUS_HEALTHY = 0, POSTBUS_DEGRADED = 1, POSTBUS_UNHEALTHY = 2, POSTBUS_ERROR = 3 /* will not heal without a person */ };
enum { POSTBUS_LOG_TRACE = 0, POSTBUS_LOG_DEBUG = 1, POSTBUS_LOG_INFO = 2, POSTBUS_LOG_WARN = 3, POSTBUS_LOG_ERROR = 4 };
enum { POSTBUS_COUNTER = 0, POSTBUS_GAUGE = 1, POSTBUS_HISTOGRAM = 2 };

typedef struct postbus_host postbus_host;
struct postbus_host {
  uint32_t size;
  uint16_t abi_major, abi_minor;
  void *ctx;
  int32_t (*log_enabled)(const postbus_host *, int32_t level);                                 /* [leaf] */
  void (*log)(const postbus_host *, int32_t level, postbus_str message);                       /* [leaf] */
  void (*state)(const postbus_host *, int32_t health, postbus_str reason, postbus_str remedy); /* [leaf] */
  /* [control] The table of a named service, valid until destroy, or NULL. `self` is its first argument. A plugin whose manifest says
   * `wraps` gets the plugin that it wraps, under the id of the interface of both: created and started before it, stopped and destroyed
   * after it. It may be called from start() on, and no more once stop() completed; what it was passed on and has not answered by then
   * it still answers. A wrapper's `can` is what its manifest and the `can` of the wrapped one have in common. */
  const void *(*service)(const postbus_host *, const char *id, void **self);
  /* [leaf] A new event with one reference; everything is copied, but `data`, when not NULL, which changes owner. NULL = no memory. */
  const postbus_event *(*event_new)(const postbus_host *, const postbus_event *fields, const postbus_owned *data);
  /* [leaf] One more reference. Use the event returned: it may be a copy. NULL = no memory. */
  const postbus_event *(*event_keep)(const postbus_host *, const postbus_event *);
  void (*event_release)(const postbus_host *, const postbus_event *);                          /* [leaf] */
  void (*event_fill)(const postbus_host *, const postbus_event *);                             /* [leaf] makes id and time, once */
};

typedef struct postbus_runtime { /* host: "postbus.runtime/1" */
  uint32_t size, flags;
  int64_t (*now_ns)(void *self);                                 /* [leaf] monotonic; virtual under test */
  int64_t (*wall_ns)(void *self);                                /* [leaf] since the Unix epoch */
  uint64_t (*random)(void *self);                                /* [leaf] seeded under test */
  void (*post)(void *self, void (*fn)(void *ctx), void *ctx);    /* [leaf] fn runs soon, on a thread of the host's */
  uint64_t (*timer)(void *self, int64_t delay_ns, postbus_done); /* [leaf] one shot; done says OK or CANCELLED */
  void (*cancel)(void *self, uint64_t timer);                    /* [leaf] never waits; a timer that already ran is none of its business */
  /* [leaf] done runs once every [hot] call into a plugin of this bus that runs now has returned. What was unlinked before can be
   * freed then, so that [hot] functions may read shared structures without a lock (the grace period of RCU). Handlers that run
   * inside a publish (unlimited credit) are part of that call. */
  void (*grace_period)(void *self, postbus_done);
} postbus_runtime;

/* The settings of this instance, checked against its schema, defaults filled in, durations in ns and sizes in bytes: for those who
 * do not parse the JSON that create() gets. Nested names are joined by dots. OK, or E_INVALID: no such setting, or of another type. */
typedef struct postbus_settings { /* host: "postbus.settings/1" */
  uint32_t size, flags;
  int32_t (*integer)(void *self, postbus_str name, int64_t *value);  /* [leaf] */
  int32_t (*number)(void *self, postbus_str name, double *value);    /* [leaf] */
  int32_t (*boolean)(void *self, postbus_str name, int32_t *value);  /* [leaf] */
  int32_t (*text)(void *self, postbus_str name, postbus_str *value); /* [leaf] valid until destroy */
} postbus_settings;

typedef struct postbus_metrics { /* host: "postbus.metrics/1" */
  uint32_t size, flags;
  uint32_t (*define)(void *self, int32_t kind, postbus_str name, postbus_str help); /* [control] before start completed only */
  void (*add)(void *self, uint32_t metric, int64_t value);                          /* [leaf] */
} postbus_metrics;

typedef struct postbus_publisher { /* host: "postbus.publish/1" */
  uint32_t size, flags;
  /* [any] result: postbus_receipt[n], or NULL when all are OK. Everything is copied before it returns. */
  void (*publish)(void *self, const postbus_event *const *fields, size_t n, postbus_done);
} postbus_publisher;

typedef struct postbus_work {
  postbus_str id, topic, subscription;
  const postbus_pair *params; size_t param_count;
  int64_t since_ns;
  uint64_t ticket;
  uint32_t attempt, stop_requested;
} postbus_work;
typedef struct postbus_inflight { /* host: "postbus.inflight/1": what runs here now. A pair without a name: an item's ticket, in decimal */
  uint32_t size, flags;
  size_t (*list)(void *self, const postbus_pair *where, size_t n, void (*each)(void *ctx, const postbus_work *), void *ctx); /* [any] */
  size_t (*request_stop)(void *self, const postbus_pair *where, size_t n, postbus_str reason); /* [any] how many were asked */
} postbus_inflight;

/* ---- what a library exports ---------------------------------------------------------------------------------------------- */

enum { POSTBUS_CAN_VIRTUAL_TIME = 1u }; /* postbus_plugin.flags: no thread or clock of its own */
typedef struct postbus_plugin {
  uint32_t size, flags;
  void (*start)(void *self, postbus_done);              /* [control] */
  /* [control] Also after a start that failed. The host has cancelled the instance's timers. done: every done ran, and no call into
   * the host follows but event_release. */
  void (*stop)(void *self, postbus_done);
  void (*destroy)(void *self);                          /* [control] after stop completed */
  const void *(*interface)(void *self, const char *id); /* [control] constant for the instance's life; NULL = no */
} postbus_plugin;
typedef struct postbus_plugin_desc {
  uint32_t size, flags;
  const char *id;
  /* [control] config: a JSON object as postbus_settings says. OK, or an error with *err filled and nothing left behind. */
  int32_t (*create)(const postbus_host *, postbus_str config, const postbus_plugin **table, void **self, postbus_error *err);
} postbus_plugin_desc;
typedef struct postbus_module {
  uint32_t magic, size;
  uint16_t abi_major, abi_minor, min_host_minor, reserved;
  const char *manifest; /* the same bytes as the note's */
  const postbus_plugin_desc *const *plugins;
  size_t plugin_count;
} postbus_module;
/* A library that is linked into the host gives its module a name of its own and is registered by it. */
#ifndef POSTBUS_MODULE
#define POSTBUS_MODULE postbus_module_v1
#endif
extern POSTBUS_EXPORT const postbus_module POSTBUS_MODULE;

/* The manifest as an ELF note, read before dlopen. postbus_add_plugin() of the CMake package makes the text from plugin.json. */
#define POSTBUS_MANIFEST(json)                                                                  \
  static const struct { uint32_t namesz, descsz, type; char name[8]; char desc[sizeof(json)]; } \
  postbus_note_ __attribute__((section(".note.postbus"), used, aligned(4))) = {8u, (uint32_t)sizeof(json), 1u, "postbus", json}

/* ---- plugin: "postbus.transport/1" ---------------------------------------------------------------------------------------
 * A transport carries, matches, groups, leases and remembers. Retry timers, ttl, order by key and prefetch are the host's. */

enum {
  POSTBUS_CAN_CREDIT = 1u,      /* never delivers beyond credit; else the host buffers and applies `overflow` */
  POSTBUS_CAN_ACK = 2u,         /* wants settlements of tokens other than 0; else none is sent */
  POSTBUS_CAN_LEASE = 4u,       /* takes a delivery back when its lease ends */
  POSTBUS_CAN_COUNT = 8u,       /* attempts survive a crash */
  POSTBUS_CAN_GROUP = 16u,
  POSTBUS_CAN_PATTERN = 32u,
  POSTBUS_CAN_REPLAY = 64u,
  POSTBUS_CAN_DELAY = 128u,
  POSTBUS_CAN_DEAD = 256u,      /* dead letter and ack in one step */
  POSTBUS_CAN_PARTITION = 512u, /* one owner per key, across processes */
  POSTBUS_CAN_PERSIST = 1024u
};
typedef struct postbus_out {
  const postbus_event *event;
  const postbus_bytes *wire; size_t wire_count; /* the event encoded, in slices; POSTBUS_NEED_WIRE only */
  int64_t not_before_ns;
  uint64_t *slot; /* two words of this thread for this topic, zero when new: a place to keep a lookup, used inside the call only; or NULL */
} postbus_out;
typedef struct postbus_receipt { int32_t status; uint32_t flags; postbus_str position; } postbus_receipt;
typedef struct postbus_delivery {
  const postbus_event *event; /* or NULL, and topic + wire: the host decodes, later, on a worker */
  postbus_str topic, position;
  postbus_owned wire;
  uint64_t token;             /* what settle() names it by; 0 = nothing to settle, and nowhere to give it back to */
  int64_t first_ns;           /* wall time of the first delivery; 0 = this one, or not known */
  uint32_t attempt, flags;    /* handlers started before, as far as the transport knows */
} postbus_delivery;
enum { POSTBUS_NOTICE_GAP = 1, POSTBUS_NOTICE_LOST = 2 /* group or stream re-created */, POSTBUS_NOTICE_ENDED = 3 };
typedef struct postbus_notice {
  uint32_t size, kind;
  int64_t since_ns, until_ns;
  uint64_t dropped;
  postbus_str reason;
  const postbus_error *err;
} postbus_notice;
typedef struct postbus_sink { /* valid until unsubscribe completed; may be called before subscribe completed */
  uint32_t size, flags;
  void *ctx;
  /* [leaf] with bounded credit: it only queues. [any] with POSTBUS_CREDIT_UNLIMITED: handlers may run inside. Never beyond credit. */
  void (*deliver)(void *ctx, const postbus_delivery *, size_t n);
  void (*notice)(void *ctx, const postbus_notice *); /* [leaf] ordered with deliver */
} postbus_sink;
enum { POSTBUS_FROM_NEW = 0, POSTBUS_FROM_START = 1, POSTBUS_FROM_POSITION = 2, POSTBUS_FROM_TIME = 3 };
enum {
  /* One owner per partition key, across processes: CAN_PARTITION. Without it this is the group's only member, and whoever would be a
   * second one is E_UNSUPPORTED. */
  POSTBUS_SUB_ORDERED = 1u
};
#define POSTBUS_CREDIT_UNLIMITED UINT32_MAX /* no credit will be given, none is counted */
/* from: a group that is there already has its place, and anything but FROM_NEW is E_CONFLICT. FROM_POSITION begins behind `position`;
 * what it names and is gone already is told by a gap. */
typedef struct postbus_sub {
  uint32_t size, from;
  postbus_str pattern, group, position;
  int64_t from_ns, lease_ns;
  uint32_t credit, flags;
} postbus_sub;
enum {
  POSTBUS_ACK = 0,
  POSTBUS_RELEASE = 1, /* give back after value_ns; uncounted unless FAILED went before */
  POSTBUS_FAILED = 2,  /* a handler started and did not succeed: attempt counted; the token stays ours for value_ns */
  POSTBUS_EXTEND = 3,  /* the lease, to value_ns from now; E_CONFLICT: it is lost, the token names nothing here any more */
  POSTBUS_DEAD = 4,    /* store `dead` and ack, in one step */
  POSTBUS_DROPPED = 5  /* outcome only: a feature dropped it */
};
typedef struct postbus_settle {
  uint64_t token;
  uint32_t what, reason;
  int64_t value_ns;
  const postbus_event *dead;
} postbus_settle;
enum { POSTBUS_ANSWERS_AT_ONCE = 1u }; /* postbus_transport.flags: publish's done always runs before publish returns */
typedef struct postbus_transport {
  uint32_t size, can, needs, flags;
  uint64_t data_max; /* bytes of event data */
  /* [hot] All or none of an event's subscriptions take it; behind one that is E_FULL all of its batch are E_FULL. result:
   * postbus_receipt[n], or NULL when all are OK. */
  void (*publish)(void *self, const postbus_out *, size_t n, postbus_done);
  /* [control] result: the subscription's void *. done after the wire confirmed it. */
  void (*subscribe)(void *self, const postbus_sub *, const postbus_sink *, postbus_done);
  void (*credit)(void *self, void *sub, uint32_t n); /* [hot] n more; may deliver before it returns */
  /* [hot] Any mix of subscriptions. result: int32_t[n], or NULL when all are OK. */
  void (*settle)(void *self, const postbus_settle *, size_t n, postbus_done);
  /* [control] After done: no deliver; what was fetched and not delivered is back; settle still works. */
  void (*quiesce)(void *self, void *sub, postbus_done);
  void (*unsubscribe)(void *self, void *sub, postbus_done); /* [control] after quiesce; unsettled tokens are released */
  /* [hot] After a publish on this topic was answered E_FULL: done runs when one may be tried again. Absent: the transport never says
   * E_FULL, or cannot tell. */
  void (*room)(void *self, postbus_str topic, postbus_done);
} postbus_transport;

/* ---- plugin: "postbus.interceptor/1" -------------------------------------------------------------------------------------
 * A feature looks at an item and gives a verdict. PUBLISHED and SETTLED come once for each item that this feature passed, held
 * or parked, however it ended. */

enum { POSTBUS_AT_PUBLISH = 1u, POSTBUS_AT_PUBLISHED = 2u, POSTBUS_AT_DELIVER = 4u, POSTBUS_AT_SETTLED = 8u };
enum {
  POSTBUS_PASS = 0,
  POSTBUS_DROP = 1,    /* done, nothing went wrong: publish says ok, a delivery is acked */
  POSTBUS_REJECT = 2,  /* publish fails; a delivery goes to dead letters; at SETTLED the ack is refused and the item released */
  POSTBUS_HOLD = 3,    /* the verdict follows soon; the item's lane waits and its credit stays taken */
  POSTBUS_PARK = 4,    /* set aside, may be long; leaves its lane, gives its credit back, counts to park_max */
  POSTBUS_REPLACE = 5, /* go on with `replacement`, whose reference is the host's now; another topic is routed anew */
  POSTBUS_FAIL = 6     /* the feature itself failed: its on_error decides */
};
/* Whose delivery an item is. Constant; valid until the item is settled. */
typedef struct postbus_subscriber {
  uint32_t size, flags;
  uint64_t number;          /* among all subscriptions that this bus ever has */
  postbus_str pattern, group /* empty = none: it gets every event itself */;
} postbus_subscriber;
typedef struct postbus_item {
  const postbus_event *event;
  postbus_str key;          /* the feature's configured key expression, evaluated: empty where the event has no such value; ptr NULL = none
                             * is configured */
  uint64_t ticket, memo;    /* ticket names the item; memo is the plugin's, kept from DELIVER to SETTLED and PUBLISH to PUBLISHED */
  uint64_t cause;           /* PUBLISH: ticket of the delivery it came through, 0 = none */
  uint32_t verdict, reason; /* the answer; PASS and 0 when asked. reason: of the manifest's; an error's name ("paused") is that error */
  int32_t outcome;          /* PUBLISHED, SETTLED: POSTBUS_ACK … or a status */
  uint32_t attempt;
  const postbus_event *replacement;
  const postbus_subscriber *subscriber; /* DELIVER, SETTLED; else NULL */
  uint32_t can, reserved;   /* PUBLISH, DELIVER: POSTBUS_CAN_… of the transport that it goes over, or came over; else 0 */
} postbus_item;
typedef struct postbus_interceptor {
  uint32_t size, stages, needs, flags;
  void (*on_batch)(void *self, uint32_t stage, postbus_item *, size_t n); /* [hot] */
} postbus_interceptor;
typedef struct postbus_verdict { uint64_t ticket; uint32_t verdict, reason; const postbus_event *replacement; } postbus_verdict;
typedef struct postbus_flow { /* host: "postbus.flow/1" */
  uint32_t size, flags;
  /* [any] In this order, perhaps before on_batch returned; the rest runs on a worker. PARK: it waits on, parked now. HOLD: ask me again
   * when the item's turn comes. */
  void (*resume)(void *self, const postbus_verdict *, size_t n);
  /* [any] What was passed at DELIVER and has not started is shown again before it does: on return none of it can start unseen.
   * `where`: captures and their values; the host may show more than those. Returns how many it knows of now. */
  size_t (*recall)(void *self, const postbus_pair *where, size_t n);
} postbus_flow;

/* ---- plugin: "postbus.store/1" (the host serves a proxy under the same id to those that require it) -----------------------
 * A store holds keys with a value each: a string, a list, a hash, a sorted set, or a window. Every op is atomic. docs/store.md has
 * the whole table, with the commands of Redis that do the same. A field that the kind does not name is not read. */

enum { /* what it reads -> `number` of the result; values */
  POSTBUS_CHECK = 0,      /* key [field | value] -> 1: it is there, 0: it is not. Any type, unless `field` or `value` say which */
  POSTBUS_GET = 1,        /* key [field | value] -> the value as an integer, 0 when it is none; the value; of a member: its score */
  POSTBUS_SET,            /* key value|number ttl -> what was stored of `number`, else 0. Replaces any type; without ttl_ns: for ever */
  POSTBUS_ERASE,          /* key -> 1: it was there. Any type */
  POSTBUS_ADD,            /* key number ttl -> the sum; nothing there counts as 0 */
  POSTBUS_EXPIRE,         /* key ttl -> 1: it is there. ttl_ns 0: it never expires */
  POSTBUS_LIST_PUSH,      /* key value limit ttl, FRONT: at the front, else at the back -> the length */
  POSTBUS_LIST_TAKE,      /* key limit [dest ttl], from the front -> how many are left; those taken. They are moved to the back of the
                           * list `dest` in their order; FRONT: to its front. ttl_ns is of `dest` */
  POSTBUS_LIST_RANGE,     /* key number limit: from that index on, negative: from the end -> the length; the values */
  POSTBUS_LIST_LEN,       /* key -> the length */
  POSTBUS_HASH_SET,       /* key field value|number limit ttl -> 1: the field is new */
  POSTBUS_HASH_ADD,       /* key field number limit ttl -> the sum; nothing there counts as 0 */
  POSTBUS_HASH_ERASE,     /* key field -> 1: it was there */
  POSTBUS_HASH_ALL,       /* key -> how many fields; field, value, field, value … */
  POSTBUS_HASH_TAKE,      /* key [field] -> how many fields are left; that value, or without a field as HASH_ALL; and erased */
  POSTBUS_ZSET_PUT,       /* key value (the member) number (its score) limit ttl -> the score */
  POSTBUS_ZSET_ERASE,     /* key value (the member) -> 1: it was there */
  POSTBUS_ZSET_RANGE,     /* key number limit: scores from `number` up, FRONT: up to `number` -> how many members the set has;
                           * member, score, member, score …, by score, then by member */
  POSTBUS_ZSET_TAKE,      /* as ZSET_RANGE, and erased -> how many are left */
  POSTBUS_ZSET_COUNT,     /* key number -> how many members ZSET_RANGE without limit would give */
  POSTBUS_WINDOW,         /* key number limit ttl_ns: `number` more (at least 1), at most `limit` in any time of ttl_ns -> how many more
                           * it would take now; E_FULL: in how many ns it takes these, none of which is counted */
  POSTBUS_SCAN,           /* key (a prefix) field (the cursor, at first empty) limit -> how many keys; the next cursor (empty: that
                           * was all), key, key …. What is there all the time comes at least once */
  POSTBUS_NOTIFY          /* key value: tells the watches of a prefix of `key` -> 0 */
};
/* Conditions are about the field, where `field` is read and not empty; about the member, where `value` is read as one and not empty;
 * else about the key. Of several one must hold. Those of a group see what was there before the group. SCAN has none. */
enum {
  POSTBUS_IF_ABSENT = 1u, POSTBUS_IF_PRESENT = 2u,
  POSTBUS_IF_EQUAL = 4u,     /* to `expect`; of a member: its score in decimal. Not where nothing is */
  POSTBUS_IF_AT_LEAST = 8u,  /* `number` is not below what is stored: fences. Holds where nothing is */
  POSTBUS_FRONT = 16u,
  POSTBUS_STORE_TIME = 32u,  /* `number` is relative to the store's clock: ns since the Unix epoch are added to it */
  POSTBUS_IF_AT_MOST = 64u   /* `number` is not above what is stored: leases that still run. Not where nothing is */
};
/* value|number: `value`, or with IF_AT_LEAST, IF_AT_MOST or STORE_TIME `number` in decimal.
 * ttl_ns: above 0 the key expires so long from now; 0: that stays as it is.
 * limit: of what is taken or shown, at most so many; of what a list, a hash or a sorted set holds, E_FULL past it. 0 = no limit. */
typedef struct postbus_op {
  uint32_t kind, flags;
  postbus_str key, field, dest;
  postbus_bytes value, expect;
  int64_t number, limit, ttl_ns;
  uint32_t group /* adjacent ops of one group other than 0: all or none, one after the other */, reserved;
} postbus_op;
typedef struct postbus_op_result {
  /* OK. CONFLICT: no condition held, values[0] is what is there (of a string, a field, a score), none where nothing or another type is.
   * E_FULL: past `limit`, or the store has no room. E_INVALID: what is stored is of another type or no integer, or the sum is none;
   * values[0] says what was found and wanted. CANCELLED: another op of its group failed. What is not OK changed nothing. */
  int32_t status;
  uint32_t value_count;
  int64_t number;
  const postbus_bytes *values;
} postbus_op_result;
typedef struct postbus_store {
  uint32_t size, flags;
  /* [hot] result: postbus_op_result[n]. E_INVALID: an op is no such op; the message says which and why, and none was done. */
  void (*execute)(void *self, const postbus_op *, size_t n, postbus_done);
  /* [control] result: uint64_t, the watch. changed is told what NOTIFY says from now on, on any thread, one call at a time, in the
   * order of the notes; perhaps after the done of their execute(). changed with an empty key = read everything again. */
  void (*watch)(void *self, postbus_str prefix, void (*changed)(void *ctx, postbus_str key, postbus_bytes note), void *ctx, postbus_done);
  void (*unwatch)(void *self, uint64_t watch, postbus_done); /* [control] after done: no changed */
} postbus_store;

/* ---- plugin: "postbus.control/1": what applications, command line and admin socket call. JSON in, JSON out --------------- */

typedef struct postbus_control {
  uint32_t size, flags;
  void (*call)(void *self, postbus_str method, postbus_str json, postbus_done); /* [any] result: postbus_str */
} postbus_control;

#ifdef __cplusplus
}
#endif
#endif
