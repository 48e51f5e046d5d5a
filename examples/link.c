/* Links two components and a host function when the program runs: a shop calls a component that knows the tax, and a
 * function of this program that knows prices. What the tax component may do through WASI is its own: here, nothing.
 *
 *   cc link.c $(pkg-config --cflags --libs tenon) && ./a.out */
#include <stdio.h>
#include <string.h>

#include <tenon.h>

/* Of another maker, perhaps, and in another language. */
static const char tax_text[] =
    "(component\n"
    "  (core module $Main\n"
    "    (func (export \"with-tax\") (param $cents i32) (result i32)\n"
    "      (i32.div_u (i32.mul (local.get $cents) (i32.const 119)) (i32.const 100))))\n"
    "  (core instance $main (instantiate $Main))\n"
    "  (func $with-tax (param \"cents\" u32) (result u32) (canon lift (core func $main \"with-tax\")))\n"
    "  (instance $tax (export \"with-tax\" (func $with-tax)))\n"
    "  (export \"demo:shop/tax@1.3.0\" (instance $tax)))\n";

static const char shop_text[] =
    "(component\n"
    "  (import \"demo:shop/tax@1.0.0\" (instance $tax\n"
    "    (export \"with-tax\" (func (param \"cents\" u32) (result u32)))))\n"
    "  (import \"demo:shop/prices@1.0.0\" (instance $prices\n"
    "    (export \"price\" (func (param \"article\" u32) (result u32)))))\n"
    "  (core func $with-tax (canon lower (func $tax \"with-tax\")))\n"
    "  (core func $price (canon lower (func $prices \"price\")))\n"
    "  (core module $Main\n"
    "    (import \"shop\" \"with-tax\" (func $with-tax (param i32) (result i32)))\n"
    "    (import \"shop\" \"price\" (func $price (param i32) (result i32)))\n"
    "    (func (export \"total\") (param $article i32) (param $count i32) (result i32)\n"
    "      (call $with-tax (i32.mul (call $price (local.get $article)) (local.get $count)))))\n"
    "  (core instance $main (instantiate $Main (with \"shop\" (instance\n"
    "    (export \"with-tax\" (func $with-tax)) (export \"price\" (func $price))))))\n"
    "  (func (export \"total\") (param \"article\" u32) (param \"count\" u32) (result u32)\n"
    "    (canon lift (core func $main \"total\"))))\n";

static tn_error *price(tn_call *call, void *data, const void *params, void *result) {
  (void)call, (void)data;
  uint32_t article = *(const uint32_t *)params;
  printf("the shop asks for the price of article %u\n", article);
  *(uint32_t *)result = article * 100;
  return NULL;
}

/* Everything in the linker may meet imports: of what is linked, and of the components in it. */
static tn_error *fill_linker(tn_engine *engine, tn_linker *linker) {
  tn_component *tax = NULL;
  tn_error *error = tn_component_from_bytes(engine, tax_text, strlen(tax_text), "tax.wat", 0, &tax);
  const tn_link_options rights = {.wasi = NULL}; /* a tn_wasi_config would grant something */
  if (error == NULL) error = tn_linker_add_component(linker, tax, &rights);
  tn_component_delete(tax);
  if (error != NULL) return error;
  return tn_linker_define_func(linker, "demo:shop/prices@1.0.0", "price",
                               "func(article: u32) -> u32", price, NULL);
}

static tn_error *call_total(const tn_linked *linked) {
  tn_instance *instance = NULL;
  tn_instance_options options;
  tn_instance_options_init(&options);
  char *result = NULL;
  tn_error *error = tn_instance_new(linked, &options, &instance);
  if (error == NULL) error = tn_instance_invoke(instance, (tn_str){"total(3, 5)", 11}, &result);
  if (error == NULL) printf("total(3, 5) = %s\n", result);
  tn_release(result);
  tn_instance_delete(instance);
  return error;
}

int main(void) {
  tn_engine *engine = NULL;
  tn_component *shop = NULL;
  tn_linker *linker = NULL;
  tn_linked *linked = NULL;
  tn_engine_options options;
  tn_engine_options_init(&options);

  tn_error *error = tn_engine_new(&options, &engine);
  if (error == NULL)
    error = tn_component_from_bytes(engine, shop_text, strlen(shop_text), "shop.wat", 0, &shop);
  if (error == NULL) error = tn_linker_new(&linker);

  /* Without the two, linking says what is missing. */
  if (error == NULL) {
    tn_error *missing = tn_linker_link(linker, shop, &linked);
    if (missing != NULL) printf("%s\n", tn_error_get_message(missing));
    tn_error_delete(missing);
  }
  if (error == NULL) error = fill_linker(engine, linker);
  if (error == NULL) error = tn_linker_link(linker, shop, &linked);
  if (error == NULL) error = call_total(linked);

  tn_linked_delete(linked);
  tn_linker_delete(linker);
  tn_component_delete(shop);
  tn_engine_delete(engine);
  if (error == NULL) return 0;
  fprintf(stderr, "error: %s\n", tn_error_get_message(error));
  tn_error_delete(error);
  return 1;
}
