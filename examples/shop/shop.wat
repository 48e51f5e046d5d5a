;; What some pieces of an article cost with tax. Knows neither prices nor taxes.
(component
  (import "demo:shop/tax@1.0.0" (instance $tax
    (export "with-tax" (func (param "cents" u32) (result u32)))))
  (import "demo:shop/prices@1.0.0" (instance $prices
    (export "price" (func (param "article" u32) (result u32)))))
  (core func $with-tax (canon lower (func $tax "with-tax")))
  (core func $price (canon lower (func $prices "price")))
  (core module $Main
    (import "shop" "with-tax" (func $with-tax (param i32) (result i32)))
    (import "shop" "price" (func $price (param i32) (result i32)))
    (func (export "total") (param $article i32) (param $count i32) (result i32)
      (call $with-tax (i32.mul (call $price (local.get $article)) (local.get $count)))))
  (core instance $main (instantiate $Main (with "shop" (instance
    (export "with-tax" (func $with-tax)) (export "price" (func $price))))))
  (func (export "total") (param "article" u32) (param "count" u32) (result u32)
    (canon lift (core func $main "total"))))
