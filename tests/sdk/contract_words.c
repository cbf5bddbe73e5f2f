/* plugin.h in the words that C and C++ share: every macro of it is used. */
#define POSTBUS_MODULE postbus_module_of_this_test
#include <postbus/plugin.h>

#ifdef __cplusplus
#define NULL_POINTER nullptr
#else
#define NULL_POINTER NULL
#endif

POSTBUS_MANIFEST("{\"id\": \"words\"}");

static int32_t create(const postbus_host *host, postbus_str config, const postbus_plugin **table, void **self, postbus_error *err) {
  (void)config;
  (void)table;
  (void)self;
  err->code = POSTBUS_E_UNSUPPORTED;
  if (POSTBUS_HAS(host, event_fill) && POSTBUS_CAN(host, log)) host->log(host, POSTBUS_LOG_INFO, config);
  return POSTBUS_E_UNSUPPORTED;
}

static const postbus_plugin_desc words = {sizeof(postbus_plugin_desc), 0, "words", create};
static const postbus_plugin_desc *const all[] = {&words, NULL_POINTER};
const postbus_module POSTBUS_MODULE = {POSTBUS_MAGIC, sizeof(postbus_module), POSTBUS_ABI_MAJOR, POSTBUS_ABI_MINOR, 0, 0, "{\"id\": \"words\"}", all, 1};
